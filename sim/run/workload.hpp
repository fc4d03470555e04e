// What a scenario puts on the cluster: its manifests, generated deployments, users who keep changing
// them (churn), and traces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "sim/run/user.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/trace/openb.hpp"
#include "sim/trace/replay.hpp"

namespace keelson::sim {

class Workload {
 public:
  explicit Workload(const Scenario& scenario);

  // Error: the trace cannot be read. Ask before start().
  const Status& status() const { return status_; }
  // The trace's nodes become node pools.
  void add_nodes(WorldOptions& options) const;
  void start(World& world, User& user, const CheckSuite& checks);
  // Users rest from now on.
  void stop();
  // Nothing is scheduled any more that would change the cluster.
  bool done() const;

  uint64_t operations() const { return operations_; }
  // Null without a trace.
  const TraceReplay* trace() const { return replay_.get(); }

 private:
  void churn();
  void churn_once();

  const Scenario& scenario_;
  Status status_;
  Trace trace_;
  World* world_ = nullptr;
  User* user_ = nullptr;
  Rng rng_{0};
  // Names of generated deployments that exist as far as users know, by (generator, number).
  struct Live {
    std::size_t generator;
    std::string name;
  };
  std::vector<Live> live_;
  std::vector<int64_t> next_number_;
  bool stopped_ = false;
  uint64_t operations_ = 0;
  std::unique_ptr<TraceReplay> replay_;
};

}  // namespace keelson::sim
