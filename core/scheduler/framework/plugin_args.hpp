// The arguments of the plugins that have some: one struct per plugin, with kube-scheduler's names and
// defaults (kubescheduler.config.k8s.io/v1). config/ fills them from a file and checks them; who
// fills them by hand keeps to the ranges given here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/api/types.hpp"
#include "core/scheduler/policies/policy_args.hpp"

namespace keelson::scheduler {

struct ResourceWeight {
  std::string name;
  int32_t weight = 1;  // 1..100
};

inline constexpr int32_t kMaxShapeScore = 10;
struct UtilizationShapePoint {
  int32_t utilization = 0;  // percent of the node's amount, rising strictly from point to point
  int32_t score = 0;        // 0..kMaxShapeScore
};

struct ScoringStrategy {
  enum class Type : uint8_t { least_allocated, most_allocated, requested_to_capacity_ratio };
  Type type = Type::least_allocated;
  std::vector<ResourceWeight> resources{{"cpu", 1}, {"memory", 1}};
  std::vector<UtilizationShapePoint> shape;  // requested_to_capacity_ratio: at least one point
};

struct NodeResourcesFitArgs {
  ScoringStrategy scoring;
  // Extended resources that are not checked, by name or by group ("example.com").
  std::vector<std::string> ignored_resources;
  std::vector<std::string> ignored_resource_groups;
};

struct NodeResourcesBalancedAllocationArgs {
  std::vector<std::string> resources{"cpu", "memory"};  // kube-scheduler demands weight 1 of each
};

struct NodeAffinityArgs {
  // Holds for all pods of the profile, beside what they ask for themselves.
  std::optional<api::NodeAffinity> added_affinity;
};

struct InterPodAffinityArgs {
  // What another pod's required affinity to the pod weighs in its score: 0..100.
  int32_t hard_pod_affinity_weight = 1;
  // Preferences of pods that are on nodes already count only if the pod itself has preferences.
  bool ignore_preferred_terms_of_existing_pods = false;
};

struct PodTopologySpreadArgs {
  // system: kube-scheduler's own constraints (ScheduleAnyway over hosts and zones) for pods that
  // have none and belong to a service or a workload; list: `default_constraints` for such pods.
  enum class Defaulting : uint8_t { system, list };
  Defaulting defaulting = Defaulting::system;
  // Without label selectors: they are those of the pod's services and workload.
  std::vector<api::TopologySpreadConstraint> default_constraints;
};

struct DefaultPreemptionArgs {
  // How many nodes are tried: at least this share and at least this many.
  int32_t min_candidate_nodes_percentage = 10;  // 0..100
  int32_t min_candidate_nodes_absolute = 100;   // not both zero
};

struct CoschedulingArgs {
  Duration permit_waiting_time = 60s;  // of a member for the rest of its group
};

struct PluginArgs {
  NodeResourcesFitArgs node_resources_fit;
  NodeResourcesBalancedAllocationArgs node_resources_balanced_allocation;
  NodeAffinityArgs node_affinity;
  InterPodAffinityArgs inter_pod_affinity;
  PodTopologySpreadArgs pod_topology_spread;
  DefaultPreemptionArgs default_preemption;
  CoschedulingArgs coscheduling;
  PolicyArgs policies;
};

}  // namespace keelson::scheduler
