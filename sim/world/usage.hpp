// What simulated containers use, so that `kubectl top` has something to show: a share of what each asks
// for that differs between containers and wanders from minute to minute. It is made up and weighs on
// nothing: nobody is killed for it. Everything follows from names and the time, so that asking changes
// nothing in a run.
#pragma once

#include "core/apiserver/watch_cache.hpp"
#include "core/rest/usage.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

class SimUsage final : public rest::UsageSource {
 public:
  // `pods` is what the API server that is asked knows. All must outlive this.
  SimUsage(const World& world, const Clock& clock, const apiserver::WatchCache& pods)
      : world_(world), clock_(clock), pods_(pods) {}

  std::optional<rest::Usage> of_container(const api::Pod& pod,
                                          const std::string& container) override;
  std::optional<rest::Usage> of_node(const api::Node& node) override;
  Duration window() const override { return 15s; }

 private:
  // The node, if it would answer.
  const Node* answering(const std::string& name) const;

  const World& world_;
  const Clock& clock_;
  const apiserver::WatchCache& pods_;
};

}  // namespace keelson::sim
