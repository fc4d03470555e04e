#include "sim/lab/cluster.hpp"

#include <numeric>
#include <utility>

#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::lab {

std::vector<uint32_t> shuffled(std::size_t n, Rng& rng) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

Cluster::Cluster(scheduler::ProfilePtr profile, const ClusterOptions& options)
    : profile_(std::move(profile)), rng_(Rng(options.seed).fork("decisions")) {
  cycle_.percentage_of_nodes_to_score = options.percentage_of_nodes_to_score;
}

Result<std::unique_ptr<Cluster>> Cluster::make(const Workload& workload, const Policy& policy,
                                               const ClusterOptions& options) {
  auto profile = scheduler::Profile::make(policy.profile, scheduler::default_plugins());
  if (!profile.ok()) {
    return Error{profile.error().code, "policy " + policy.name + ": " + profile.error().message};
  }
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(profile).value(), options));
  scheduler::Cache& cache = cluster->cache_;
  for (const api::ObjectPtr& node : workload.nodes) cache.set_node(node);
  cluster->node_count_ = workload.nodes.size();
  if (cache.snapshot().node_count() != workload.nodes.size()) {
    return Error{Code::invalid, "workload " + workload.name + ": two nodes have the same name"};
  }
  for (const api::ObjectPtr& other : workload.others) {
    cache.snapshot().workloads.apply(nullptr, other);
  }
  for (const api::ObjectPtr& pod : workload.bound) {
    if (pod->as<api::Pod>().spec().node_name().empty()) {
      return Error{Code::invalid,
                   "workload " + workload.name + ": bound pod " + pod->name() + " has no node"};
    }
    cache.see(pod);
  }
  if (options.fixed_tie_order) {
    Rng order = Rng(options.seed).fork("tie-order");
    cluster->cycle_.rank = shuffled(workload.nodes.size(), order);
  }
  return cluster;
}

scheduler::Decision Cluster::decide(const scheduler::PodInfo& pod) {
  return scheduler::decide(*profile_, cache_.snapshot(), pod, rng_, cycle_);
}

void Cluster::place(const scheduler::PodInfoPtr& pod, const scheduler::Decision& decision) {
  KEELSON_ASSERT(decision.kind == scheduler::Decision::Kind::node);
  cache_.assume(pod, cache_.snapshot().name(decision.node), decision.devices);
  cache_.bind_succeeded(pod->uid());
}

}  // namespace keelson::lab
