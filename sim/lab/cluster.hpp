// The cluster of an experiment: the production scheduler's cache and decision under a policy, without
// API server, queue or binding. Who plays a workload decides, places and removes in the order of its
// own events; the same calls give the same answers on every machine.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/framework/decide.hpp"
#include "core/scheduler/policies/policy_args.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct ClusterOptions {
  // Of the order of nodes that breaks ties, and of the policies that draw lots.
  uint64_t seed = 1;
  // As scheduler::Cycle has it. All: which nodes a search happens to see is noise in an experiment.
  int32_t percentage_of_nodes_to_score = 100;
  // Equally good nodes: the one that is first in an order drawn once from the seed, as in the
  // published experiments; else one drawn anew for each pod, as in production.
  bool fixed_tie_order = true;
  // The caller does what the permit of Coscheduling would: takes places back from groups that are not
  // complete. Nobody else waits in permit here: without it profiles that would are refused.
  bool holds_groups = false;
};

class Cluster {
 public:
  // The policy gets the seed and, unless it names its own, the workload's typical pods.
  // With the workload's nodes, the pods that are bound to them, and what else the scheduler knows.
  // Error: Code::invalid if the policy's profile cannot be made, has a plugin that waits in permit
  // (ClusterOptions::holds_groups), or if two nodes have the same name.
  static Result<std::unique_ptr<Cluster>> make(const Workload& workload, const Policy& policy,
                                               const ClusterOptions& options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Node i of the workload has NodeIndex i, as long as no node is added or removed from outside.
  std::size_t node_count() const { return node_count_; }

  // Another profile beside the policy's, number 0: a scheduler has one for each spec.schedulerName.
  // Answers its number. Error: as make().
  Result<std::size_t> add_profile(const Policy& policy);

  scheduler::PodInfoPtr info(const api::ObjectPtr& pod) { return cache_.info(pod); }
  // Where the pod would go now. Changes nothing that shows; draws from the cluster's Rng.
  scheduler::Decision decide(const scheduler::PodInfo& pod, std::size_t profile = 0);
  // Takes the place that was decided. REQUIRES: the decision is a node (Kind::node), for this pod,
  // and nothing was placed or removed since; the pod's uid is not in the cluster.
  void place(const scheduler::PodInfoPtr& pod, const scheduler::Decision& decision);
  // The pod's place is free again. False: it has none.
  bool remove(const std::string& uid) { return cache_.remove(uid) != 0; }

  // Replaces the order that breaks ties: rank[i] of node i, lower wins.
  void set_tie_order(const std::vector<uint32_t>& rank) {
    for (Decider& decider : deciders_) decider.cycle.rank = rank;
  }

  // The pods that the workload expects, as FGD and the measure of fragmentation see them. Empty if no
  // node has a GPU.
  const std::vector<scheduler::TypicalPod>& typical_pods() const { return typical_; }

  // For nominations, budgets and what else an experiment changes or reads.
  scheduler::Cache& cache() { return cache_; }
  scheduler::Snapshot& snapshot() { return cache_.snapshot(); }
  const scheduler::Snapshot& snapshot() const { return cache_.snapshot(); }
  const scheduler::Profile& profile(std::size_t number = 0) const {
    return *deciders_[number].profile;
  }
  // For a queue, which shares it.
  const scheduler::ProfilePtr& shared_profile() const { return deciders_.front().profile; }

 private:
  explicit Cluster(const ClusterOptions& options);

  struct Decider {
    scheduler::ProfilePtr profile;
    scheduler::Cycle cycle;  // what it remembers is of one profile
  };
  ClusterOptions options_;
  std::deque<Decider> deciders_;
  scheduler::Cache cache_;
  Rng rng_;
  std::vector<scheduler::TypicalPod> typical_;
  std::size_t node_count_ = 0;
};

// 0..n-1 in an order drawn by the Rng (Fisher and Yates): element i is the rank of i.
std::vector<uint32_t> shuffled(std::size_t n, Rng& rng);

}  // namespace keelson::lab
