// The scheduler's rules once more, written for being obviously right and nothing else: no
// interning, no columns, nothing kept from one question to the next, floating point where
// kube-scheduler has it. Compared with the real thing on random clusters. It can be told to make a
// mistake, to see that the comparison would notice one.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/api/selector.hpp"
#include "tests/support/builders.hpp"

namespace keelson::test {

struct ReferenceCluster {
  std::vector<api::Node> nodes;
  std::vector<api::Pod> pods;  // on nodes
  std::vector<api::Service> services;
  std::vector<api::ReplicaSet> replica_sets;
  std::map<std::string, api::Labels> namespaces;
};

// A mistake for each rule that is easily got wrong.
#define KEELSON_SLIPS(X)          \
  X(none)                         \
  X(cordon_not_tolerable)         \
  X(prefer_taints_filter)         \
  X(tolerations_of_any_effect)    \
  X(terms_all_must_match)         \
  X(absent_label_not_not_in)      \
  X(port_of_any_protocol)         \
  X(one_pod_too_many)             \
  X(init_containers_add_up)       \
  X(overhead_forgotten)           \
  X(no_default_requests)          \
  X(default_requests_balance)     \
  X(images_not_spread)            \
  X(images_of_one_container)      \
  X(taints_not_reversed)          \
  X(empty_preference_matches)     \
  X(spread_counts_leaving_pods)   \
  X(spread_counts_namespaces)     \
  X(spread_forgets_itself)        \
  X(spread_min_domains_ignored)   \
  X(spread_affinity_ignored)      \
  X(spread_taints_honoured)       \
  X(spread_label_keys_ignored)    \
  X(spread_partial_labels_count)  \
  X(spread_hosts_by_label)        \
  X(spread_no_zone_no_value)      \
  X(spread_no_logarithm)          \
  X(spread_max_skew_unweighed)    \
  X(spread_unscored_get_most)     \
  X(defaults_of_services_only)    \
  X(affinity_terms_one_by_one)    \
  X(affinity_no_first_pod)        \
  X(affinity_first_pod_always)    \
  X(affinity_ignores_leaving)     \
  X(affinity_own_namespace_only)  \
  X(anti_affinity_not_symmetric)  \
  X(anti_affinity_by_all_terms)   \
  X(mismatch_keys_ignored)        \
  X(preferred_not_symmetric)      \
  X(required_not_attractive)      \
  X(affinity_from_zero)
enum class Slip {
#define X(name) name,
  KEELSON_SLIPS(X)
#undef X
};
inline const std::vector<std::pair<Slip, const char*>>& slips() {
  static const std::vector<std::pair<Slip, const char*>> kAll{
#define X(name) {Slip::name, #name},
      KEELSON_SLIPS(X)
#undef X
  };
  return kAll;
}

class Reference {
 public:
  Reference(const ReferenceCluster& cluster, const api::Pod& pod, Slip slip = Slip::none)
      : c_(cluster), pod_(pod), slip_(slip) {}

  // What each filter says against the node: plugin, reason, could preemption help.
  using Refusal = std::tuple<std::string, std::string, bool>;
  std::vector<Refusal> refusals(const api::Node& node) const;
  std::vector<const api::Node*> feasible() const;

  // Plugin, node: 0..100. A plugin that does not score this pod is absent.
  using ByNode = std::map<std::string, int64_t>;
  std::map<std::string, ByNode> scores(const std::vector<const api::Node*>& feasible) const;
  static int64_t weight(const std::string& plugin);

 private:
  using Nodes = std::vector<const api::Node*>;
  bool slips(Slip slip) const { return slip_ == slip; }

  // Nodes and resources: reference.cpp.
  bool tolerated(const api::Taint& taint) const;
  bool matches(const api::NodeSelectorTerm& term, const api::Node& node) const;
  bool node_affinity(const api::Node& node) const;
  bool ports_clash(const api::Node& node) const;
  int64_t request(const api::Pod& pod, const std::string& resource, bool with_defaults) const;
  int64_t used(const api::Node& node, const std::string& resource, bool with_defaults) const;
  std::vector<const api::Pod*> on(const api::Node& node) const;
  void resource_refusals(const api::Node& node, std::vector<Refusal>& out) const;
  int64_t least_allocated(const api::Node& node) const;
  int64_t balanced(const api::Node& node) const;
  int64_t images(const api::Node& node) const;

  // Other pods: reference_pods.cpp.
  struct Constraint {
    api::TopologySpreadConstraint from;
    std::vector<api::LabelSelector> pods;  // all must match
  };
  std::vector<Constraint> constraints(bool hard) const;
  std::vector<api::LabelSelector> workload() const;
  bool has_all(const api::Node& node, const std::vector<Constraint>& constraints) const;
  bool in_scope(const api::Node& node, const Constraint& c) const;
  int64_t count(const api::Node& node, const Constraint& c) const;
  void spread_refusals(const api::Node& node, std::vector<Refusal>& out) const;
  bool spread_scores(const Nodes& feasible, ByNode& out) const;

  bool matches(const api::PodAffinityTerm& term, const api::Pod& holder,
               const api::Pod& other) const;
  bool matches_all(const api::Pod& other) const;
  const api::Node* node_of(const api::Pod& pod) const;
  bool near(const api::Pod& other, const api::Node& node, const std::string& key) const;
  void affinity_refusals(const api::Node& node, std::vector<Refusal>& out) const;
  bool affinity_scores(const Nodes& feasible, ByNode& out) const;

  const ReferenceCluster& c_;
  const api::Pod& pod_;
  Slip slip_;
};

// Null where the node does not have the label.
const std::string* label_of(const api::Node& node, const std::string& key);

}  // namespace keelson::test
