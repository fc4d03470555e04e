// The half of the reference that is about other pods.
#include <algorithm>
#include <cmath>
#include <set>

#include "tests/scheduler/reference.hpp"

namespace keelson::test {
namespace {

constexpr const char* kHostname = "kubernetes.io/hostname";
constexpr const char* kSkewed = "node(s) didn't match pod topology spread constraints";

bool selects(const api::LabelSelector& selector, const api::Labels& labels) {
  return api::LabelSelectorMatcher::from(selector).value().matches(labels);
}

api::LabelSelector only(const api::Labels& labels) {
  api::LabelSelector selector;
  for (const auto& [key, value] : labels) (*selector.mutable_match_labels())[key] = value;
  return selector;
}

bool leaving(const api::Pod& pod) { return pod.metadata().has_deletion_timestamp(); }

// The labels among `keys` that the pod has.
template <class Keys>
api::Labels labels_among(const api::Pod& pod, const Keys& keys) {
  api::Labels some;
  for (const auto& key : keys) {
    const auto it = pod.metadata().labels().find(key);
    if (it != pod.metadata().labels().end()) some[key] = it->second;
  }
  return some;
}

}  // namespace

// --- PodTopologySpread --------------------------------------------------------------------------

std::vector<api::LabelSelector> Reference::workload() const {
  std::vector<api::LabelSelector> list;
  const auto& meta = pod_.metadata();
  for (const auto& service : c_.services) {
    if (service.metadata().namespace_() != meta.namespace_()) continue;
    if (service.spec().selector().empty()) continue;
    const api::LabelSelector selector = only(service.spec().selector());
    if (selects(selector, meta.labels())) list.push_back(selector);
  }
  for (const auto& owner : meta.owner_references()) {
    for (const auto& set : c_.replica_sets) {
      const bool owns = owner.controller() && owner.kind() == "ReplicaSet" &&
                        owner.name() == set.metadata().name() &&
                        set.metadata().namespace_() == meta.namespace_();
      if (owns && !slips(Slip::defaults_of_services_only)) list.push_back(set.spec().selector());
    }
  }
  return list;
}

std::vector<Reference::Constraint> Reference::constraints(bool hard) const {
  std::vector<Constraint> list;
  if (pod_.spec().topology_spread_constraints_size() > 0) {
    for (const auto& from : pod_.spec().topology_spread_constraints()) {
      if ((from.when_unsatisfiable() == "DoNotSchedule") != hard) continue;
      list.push_back({from, {from.label_selector()}});
      if (slips(Slip::spread_label_keys_ignored)) continue;
      list.back().pods.push_back(only(labels_among(pod_, from.match_label_keys())));
    }
    return list;
  }
  const auto pods = workload();
  if (hard || pods.empty()) return list;
  const std::map<std::string, int> system{{kHostname, 3}, {"topology.kubernetes.io/zone", 5}};
  for (const auto& [key, skew] : system) {
    list.push_back({{}, pods});
    list.back().from.set_topology_key(key);
    list.back().from.set_max_skew(skew);
  }
  return list;
}

bool Reference::has_all(const api::Node& node, const std::vector<Constraint>& constraints) const {
  return std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& c) {
    return label_of(node, c.from.topology_key()) != nullptr;
  });
}

bool Reference::in_scope(const api::Node& node, const Constraint& c) const {
  if (c.from.node_affinity_policy() != "Ignore" && !slips(Slip::spread_affinity_ignored) &&
      !node_affinity(node)) {
    return false;
  }
  if (c.from.node_taints_policy() != "Honor" && !slips(Slip::spread_taints_honoured)) return true;
  return std::all_of(
      node.spec().taints().begin(), node.spec().taints().end(),
      [&](const auto& t) { return t.effect() == "PreferNoSchedule" || tolerated(t); });
}

int64_t Reference::count(const api::Node& node, const Constraint& c) const {
  int64_t n = 0;
  for (const api::Pod* other : on(node)) {
    if (leaving(*other) && !slips(Slip::spread_counts_leaving_pods)) continue;
    if (other->metadata().namespace_() != pod_.metadata().namespace_() &&
        !slips(Slip::spread_counts_namespaces)) {
      continue;
    }
    n += std::all_of(c.pods.begin(), c.pods.end(), [&](const auto& selector) {
      return selects(selector, other->metadata().labels());
    });
  }
  return n;
}

void Reference::spread_refusals(const api::Node& node, std::vector<Refusal>& out) const {
  const auto all = constraints(true);
  for (const Constraint& c : all) {
    const std::string* value = label_of(node, c.from.topology_key());
    if (value == nullptr) {
      out.emplace_back("PodTopologySpread", std::string(kSkewed) + " (missing required label)",
                       false);
      return;
    }
    std::map<std::string, int64_t> domains;
    for (const auto& other : c_.nodes) {
      const std::string* there = label_of(other, c.from.topology_key());
      const bool counts = slips(Slip::spread_partial_labels_count) ? there != nullptr
                                                                   : has_all(other, all);
      if (counts && in_scope(other, c)) domains[*there] += count(other, c);
    }
    int64_t least = domains.empty() ? 0 : INT64_MAX;
    for (const auto& [domain, pods] : domains) least = std::min(least, pods);
    const int64_t enough = std::max(c.from.min_domains(), 1);
    if (static_cast<int64_t>(domains.size()) < enough &&
        !slips(Slip::spread_min_domains_ignored)) {
      least = 0;
    }
    const bool counts_itself = std::all_of(c.pods.begin(), c.pods.end(), [&](const auto& selector) {
      return selects(selector, pod_.metadata().labels());
    });
    const int64_t self = counts_itself && !slips(Slip::spread_forgets_itself) ? 1 : 0;
    if (domains[*value] + self - least <= c.from.max_skew()) continue;
    out.emplace_back("PodTopologySpread", kSkewed, true);
    return;
  }
}

bool Reference::spread_scores(const Nodes& feasible, ByNode& out) const {
  const auto all = constraints(false);
  if (all.empty()) return false;
  const bool require_all = pod_.spec().topology_spread_constraints_size() > 0;
  Nodes judged;
  for (const api::Node* node : feasible) {
    if (!require_all || has_all(*node, all)) judged.push_back(node);
  }
  std::map<std::string, double> raw;
  for (const Constraint& c : all) {
    const std::string& key = c.from.topology_key();
    const bool hosts = key == kHostname && !slips(Slip::spread_hosts_by_label);
    std::set<std::string> values;
    for (const api::Node* node : judged) {
      const std::string* value = label_of(*node, key);
      if (value != nullptr || !slips(Slip::spread_no_zone_no_value)) {
        values.insert(value == nullptr ? "" : *value);
      }
    }
    std::map<std::string, int64_t> domains;
    for (const auto& node : c_.nodes) {
      const std::string* value = label_of(node, key);
      if (value == nullptr || (require_all && !has_all(node, all)) || !in_scope(node, c)) continue;
      domains[*value] += count(node, c);
    }
    const auto size = static_cast<double>(hosts ? judged.size() : values.size());
    const double weight = slips(Slip::spread_no_logarithm) ? size : std::log(size + 2);
    for (const api::Node* node : judged) {
      const std::string* value = label_of(*node, key);
      if (value == nullptr) continue;
      const auto pods = static_cast<double>(hosts ? count(*node, c) : domains[*value]);
      const double skew = slips(Slip::spread_max_skew_unweighed) ? 0 : c.from.max_skew() - 1;
      raw[node->metadata().name()] += pods * weight + skew;
    }
  }
  int64_t least = INT64_MAX, most = 0;
  for (const api::Node* node : judged) {
    const auto score = static_cast<int64_t>(std::round(raw[node->metadata().name()]));
    out[node->metadata().name()] = score;
    least = std::min(least, score);
    most = std::max(most, score);
  }
  for (auto& [node, score] : out) score = most == 0 ? 100 : 100 * (most + least - score) / most;
  for (const api::Node* node : feasible) {
    out.try_emplace(node->metadata().name(), slips(Slip::spread_unscored_get_most) ? 100 : 0);
  }
  return true;
}

// --- InterPodAffinity ---------------------------------------------------------------------------

// Does the term of `holder` mean `other`?
bool Reference::matches(const api::PodAffinityTerm& term, const api::Pod& holder,
                        const api::Pod& other) const {
  const std::string& ns = other.metadata().namespace_();
  bool in = std::find(term.namespaces().begin(), term.namespaces().end(), ns) !=
            term.namespaces().end();
  if (term.namespaces().empty() && !term.has_namespace_selector()) {
    in = ns == holder.metadata().namespace_();
  }
  if (term.has_namespace_selector()) {
    const auto known = c_.namespaces.find(ns);
    in |= selects(term.namespace_selector(),
                  known == c_.namespaces.end() ? api::Labels() : known->second);
  }
  if (slips(Slip::affinity_own_namespace_only)) in = ns == holder.metadata().namespace_();
  if (!in || !term.has_label_selector()) return false;
  const api::Labels& labels = other.metadata().labels();
  if (!selects(term.label_selector(), labels)) return false;
  if (!selects(only(labels_among(holder, term.match_label_keys())), labels)) return false;
  if (slips(Slip::mismatch_keys_ignored)) return true;
  for (const auto& [key, value] : labels_among(holder, term.mismatch_label_keys())) {
    const auto it = labels.find(key);
    if (it != labels.end() && it->second == value) return false;
  }
  return true;
}

bool Reference::matches_all(const api::Pod& other) const {
  const auto& terms =
      pod_.spec().affinity().pod_affinity().required_during_scheduling_ignored_during_execution();
  return !terms.empty() && std::all_of(terms.begin(), terms.end(), [&](const auto& term) {
    return matches(term, pod_, other);
  });
}

const api::Node* Reference::node_of(const api::Pod& pod) const {
  for (const auto& node : c_.nodes) {
    if (node.metadata().name() == pod.spec().node_name()) return &node;
  }
  return nullptr;
}

bool Reference::near(const api::Pod& other, const api::Node& node, const std::string& key) const {
  const api::Node* there = node_of(other);
  const std::string* a = there == nullptr ? nullptr : label_of(*there, key);
  const std::string* b = label_of(node, key);
  return a != nullptr && b != nullptr && *a == *b;
}

void Reference::affinity_refusals(const api::Node& node, std::vector<Refusal>& out) const {
  const auto refuse = [&](const char* why, bool preemptible) {
    out.emplace_back("InterPodAffinity", std::string("node(s) didn't ") + why, preemptible);
  };
  const auto& wanted =
      pod_.spec().affinity().pod_affinity().required_during_scheduling_ignored_during_execution();
  bool missing = false, labelled = true, any_match = false;
  for (const auto& term : wanted) {
    labelled &= label_of(node, term.topology_key()) != nullptr;
    bool found = false;
    for (const auto& other : c_.pods) {
      if (leaving(other) && slips(Slip::affinity_ignores_leaving)) continue;
      const bool match = slips(Slip::affinity_terms_one_by_one) ? matches(term, pod_, other)
                                                                : matches_all(other);
      if (!match) continue;
      found |= near(other, node, term.topology_key());
      const api::Node* there = node_of(other);
      any_match |= there != nullptr && label_of(*there, term.topology_key()) != nullptr;
    }
    missing |= !found;
  }
  const bool first = (!any_match || slips(Slip::affinity_first_pod_always)) &&
                     matches_all(pod_) && !slips(Slip::affinity_no_first_pod);
  if (!labelled || (missing && !first)) return refuse("match pod affinity rules", false);

  const auto& unwanted = pod_.spec()
                             .affinity()
                             .pod_anti_affinity()
                             .required_during_scheduling_ignored_during_execution();
  for (const auto& other : c_.pods) {
    const auto in_the_way = [&](const auto& term) {
      return matches(term, pod_, other) && near(other, node, term.topology_key());
    };
    const bool hit = slips(Slip::anti_affinity_by_all_terms)
                         ? !unwanted.empty() &&
                               std::all_of(unwanted.begin(), unwanted.end(), in_the_way)
                         : std::any_of(unwanted.begin(), unwanted.end(), in_the_way);
    if (hit) return refuse("match pod anti-affinity rules", true);
  }
  if (slips(Slip::anti_affinity_not_symmetric)) return;
  for (const auto& other : c_.pods) {
    for (const auto& term : other.spec()
                                .affinity()
                                .pod_anti_affinity()
                                .required_during_scheduling_ignored_during_execution()) {
      if (matches(term, other, pod_) && near(other, node, term.topology_key())) {
        return refuse("satisfy existing pods anti-affinity rules", true);
      }
    }
  }
}

bool Reference::affinity_scores(const Nodes& feasible, ByNode& out) const {
  bool any = false;
  for (const api::Node* node : feasible) {
    int64_t& sum = out[node->metadata().name()];
    const auto add = [&](const api::PodAffinityTerm& term, const api::Pod& holder,
                         const api::Pod& target, const api::Pod& on_node, int64_t weight) {
      const api::Node* there = node_of(on_node);
      if (there == nullptr || label_of(*there, term.topology_key()) == nullptr) return;
      if (!matches(term, holder, target)) return;
      any = true;
      if (near(on_node, *node, term.topology_key())) sum += weight;
    };
    const auto add_all = [&](const api::Pod& holder, const api::Pod& target,
                             const api::Pod& on_node) {
      const auto& affinity = holder.spec().affinity();
      for (const auto& p :
           affinity.pod_affinity().preferred_during_scheduling_ignored_during_execution()) {
        add(p.pod_affinity_term(), holder, target, on_node, p.weight());
      }
      for (const auto& p :
           affinity.pod_anti_affinity().preferred_during_scheduling_ignored_during_execution()) {
        add(p.pod_affinity_term(), holder, target, on_node, -p.weight());
      }
    };
    for (const auto& other : c_.pods) {
      add_all(pod_, other, other);
      if (!slips(Slip::preferred_not_symmetric)) add_all(other, pod_, other);
      if (slips(Slip::required_not_attractive)) continue;
      for (const auto& term : other.spec()
                                  .affinity()
                                  .pod_affinity()
                                  .required_during_scheduling_ignored_during_execution()) {
        add(term, other, pod_, other, 1);
      }
    }
  }
  int64_t least = slips(Slip::affinity_from_zero) ? 0 : INT64_MAX, most = INT64_MIN;
  for (const auto& [node, sum] : out) {
    least = std::min(least, sum);
    most = std::max(most, sum);
  }
  for (auto& [node, sum] : out) {
    if (most <= least) {
      sum = 0;
    } else {
      sum = static_cast<int64_t>(
          100.0 * (static_cast<double>(sum - least) / static_cast<double>(most - least)));
    }
  }
  return any;
}

}  // namespace keelson::test
