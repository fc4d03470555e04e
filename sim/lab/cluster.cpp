#include "sim/lab/cluster.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/policies/typical_pods.hpp"

namespace keelson::lab {

std::vector<uint32_t> shuffled(std::size_t n, Rng& rng) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

namespace {

std::vector<scheduler::TypicalPod> typical_pods_of(const Workload& workload) {
  const bool gpus = std::any_of(workload.nodes.begin(), workload.nodes.end(), [](const auto& node) {
    return node->template as<api::Node>().status().allocatable().contains(api::kGpuResource);
  });
  if (!gpus) return {};
  scheduler::Vocabulary words;
  scheduler::LabelClasses classes;
  std::vector<scheduler::PodClass> pods;
  pods.reserve(workload.arrivals.size());
  for (const Arrival& arrival : workload.arrivals) {
    pods.push_back(class_of(*make_pod_info(words, classes, arrival.pod)));
  }
  return scheduler::typical_pods(pods);
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_(options), rng_(Rng(options.seed).fork("decisions")) {}

Result<std::size_t> Cluster::add_profile(const Policy& policy) {
  scheduler::ProfileOptions profile_options = policy.profile;
  scheduler::PolicyArgs& args = profile_options.args.policies;
  args.seed = options_.seed;
  if (args.typical_pods.empty()) args.typical_pods = typical_;
  auto profile = scheduler::Profile::make(profile_options, scheduler::default_plugins());
  if (!profile.ok()) {
    return Error{profile.error().code, "policy " + policy.name + ": " + profile.error().message};
  }
  for (const scheduler::Plugin* plugin : (*profile)->at(scheduler::Point::permit)) {
    if (options_.holds_groups && plugin->name() == "Coscheduling") continue;
    return Error{Code::invalid,
                 "policy " + policy.name + ": the plugin " + std::string(plugin->name()) +
                     " makes pods wait in permit, which an experiment does not run; play the "
                     "workload in a scenario (keelson sim run), or leave the plugin out"};
  }
  deciders_.emplace_back();
  deciders_.back().profile = std::move(profile).value();
  scheduler::Cycle& cycle = deciders_.back().cycle;
  cycle.percentage_of_nodes_to_score = options_.percentage_of_nodes_to_score;
  cycle.rank = deciders_.front().cycle.rank;
  return deciders_.size() - 1;
}

Result<std::unique_ptr<Cluster>> Cluster::make(const Workload& workload, const Policy& policy,
                                               const ClusterOptions& options) {
  std::unique_ptr<Cluster> cluster(new Cluster(options));
  cluster->typical_ = policy.profile.args.policies.typical_pods;
  if (cluster->typical_.empty()) cluster->typical_ = typical_pods_of(workload);
  if (const auto made = cluster->add_profile(policy); !made) return made.error();
  scheduler::Cache& cache = cluster->cache_;
  for (const api::ObjectPtr& node : workload.nodes) cache.set_node(node);
  cluster->node_count_ = workload.nodes.size();
  if (cache.snapshot().node_count() != workload.nodes.size()) {
    return Error{Code::invalid, "workload " + workload.name + ": two nodes have the same name"};
  }
  for (const api::ObjectPtr& other : workload.others) {
    cache.learn(other);
  }
  for (const api::ObjectPtr& pod : workload.bound) {
    if (pod->as<api::Pod>().spec().node_name().empty()) {
      return Error{Code::invalid,
                   "workload " + workload.name + ": bound pod " + pod->name() + " has no node"};
    }
    cache.learn(pod);
  }
  if (options.fixed_tie_order) {
    Rng order = Rng(options.seed).fork("tie-order");
    cluster->set_tie_order(shuffled(workload.nodes.size(), order));
  }
  return cluster;
}

scheduler::Decision Cluster::decide(const scheduler::PodInfo& pod, std::size_t profile) {
  Decider& decider = deciders_[profile];
  return scheduler::decide(*decider.profile, cache_.snapshot(), pod, rng_, decider.cycle);
}

void Cluster::place(const scheduler::PodInfoPtr& pod, const scheduler::Decision& decision) {
  KEELSON_ASSERT(decision.kind == scheduler::Decision::Kind::node);
  cache_.assume(pod, cache_.snapshot().name(decision.node), decision.devices);
  cache_.bind_succeeded(pod->uid());
}

}  // namespace keelson::lab
