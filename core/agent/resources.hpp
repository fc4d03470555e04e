// Ties eviction and image collection to the pods of one agent.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/agent/eviction.hpp"
#include "core/agent/garbage.hpp"
#include "core/agent/node_status.hpp"
#include "core/agent/pod_worker.hpp"

namespace keelson::agent {

class Resources {
 public:
  using Workers = std::map<std::string, std::shared_ptr<PodWorker>>;  // by uid

  // `workers` and `node` outlive this.
  Resources(Context& context, NodeStats& stats, const Workers& workers, NodeStatus& node);

  void start();
  void images_changed() { garbage_.images_changed(); }
  // May this pod start now?
  std::optional<Verdict> refuse(const api::Pod& pod) const {
    return refuse_under(eviction_.pressure(), pod);
  }

 private:
  std::set<std::string> images_in_use() const;
  std::vector<EvictionCandidate> candidates() const;
  bool ending() const;

  const Workers& workers_;
  ImageGarbage garbage_;
  EvictionManager eviction_;
};

}  // namespace keelson::agent
