#include "core/scheduler/cache/pod_affinity.hpp"

#include <algorithm>

namespace keelson::scheduler {
namespace {

api::LabelSelectorMatcher compile(const api::LabelSelector& selector) {
  auto parsed = api::LabelSelectorMatcher::from(selector);
  return parsed.ok() ? std::move(parsed).value() : api::LabelSelectorMatcher::nothing();
}

bool mentions(const api::LabelSelector& selector, const std::string& key) {
  return selector.match_labels().contains(key) ||
         std::any_of(selector.match_expressions().begin(), selector.match_expressions().end(),
                     [&](const auto& e) { return e.key() == key; });
}

// Narrows the selector to pods whose labels `keys` have the pod's values (or, `op` NotIn, others).
// Keys that the pod does not have are passed over. So are those that the selector mentions: the API
// server writes the merged form into pods when they are created (KEP-3633), from the labels that
// they had then.
template <class Keys>
void narrow(api::LabelSelector& selector, const Keys& keys, const char* op,
            const api::Labels& labels) {
  for (const std::string& key : keys) {
    const auto value = labels.find(key);
    if (value == labels.end() || mentions(selector, key)) continue;
    auto* expression = selector.add_match_expressions();
    expression->set_key(key);
    expression->set_operator_(op);
    expression->add_values(value->second);
  }
}

PodTerm compile(const api::PodAffinityTerm& term, const api::ObjectMeta& meta) {
  PodTerm out;
  out.namespaces.names.assign(term.namespaces().begin(), term.namespaces().end());
  if (term.has_namespace_selector()) {
    out.namespaces.selector = compile(term.namespace_selector());
  } else if (out.namespaces.names.empty()) {
    out.namespaces.names.push_back(meta.namespace_());
  }
  std::sort(out.namespaces.names.begin(), out.namespaces.names.end());
  if (!term.has_label_selector()) {
    out.labels = api::LabelSelectorMatcher::nothing();
  } else if (term.match_label_keys().empty() && term.mismatch_label_keys().empty()) {
    out.labels = compile(term.label_selector());
  } else {
    api::LabelSelector selector = term.label_selector();
    narrow(selector, term.match_label_keys(), "In", meta.labels());
    narrow(selector, term.mismatch_label_keys(), "NotIn", meta.labels());
    out.labels = compile(selector);
  }
  return out;
}

}  // namespace

SpreadConstraint read_constraint(NameId topology_key, const api::TopologySpreadConstraint& from) {
  SpreadConstraint out;
  out.topology_key = topology_key;
  out.max_skew = from.max_skew();
  if (from.has_min_domains()) out.min_domains = from.min_domains();
  out.hard = from.when_unsatisfiable() != "ScheduleAnyway";
  out.honor_affinity = from.node_affinity_policy() != "Ignore";
  out.honor_taints = from.node_taints_policy() == "Honor";
  return out;
}

std::vector<SpreadConstraint> read_spread(Vocabulary& words, LabelClasses& classes,
                                          const api::Pod& pod) {
  std::vector<SpreadConstraint> list;
  list.reserve(static_cast<std::size_t>(pod.spec().topology_spread_constraints_size()));
  for (const auto& from : pod.spec().topology_spread_constraints()) {
    SpreadConstraint constraint = read_constraint(words.id(from.topology_key()), from);
    PodTerm term{NamespaceScope::only(pod.metadata().namespace_()), {}};
    if (!from.has_label_selector()) {
      term.labels = api::LabelSelectorMatcher::nothing();
    } else if (from.match_label_keys().empty()) {
      term.labels = compile(from.label_selector());
    } else {
      api::LabelSelector selector = from.label_selector();
      narrow(selector, from.match_label_keys(), "In", pod.metadata().labels());
      term.labels = compile(selector);
    }
    std::vector<PodTerm> terms;
    terms.push_back(std::move(term));
    constraint.pods = classes.group(std::move(terms));
    list.push_back(std::move(constraint));
  }
  return list;
}

std::shared_ptr<const PodAffinity> read_pod_affinity(Vocabulary& words, LabelClasses& classes,
                                                     const api::Pod& pod) {
  const auto& spec = pod.spec().affinity();
  if (!spec.has_pod_affinity() && !spec.has_pod_anti_affinity()) return nullptr;
  auto out = std::make_shared<PodAffinity>();
  const auto add = [&](std::vector<AffinityTerm>& list, const api::PodAffinityTerm& term,
                       int32_t weight) {
    std::vector<PodTerm> terms{compile(term, pod.metadata())};
    list.push_back({classes.group(std::move(terms)), words.id(term.topology_key()), weight});
  };
  const auto& near = spec.pod_affinity();
  const auto& away = spec.pod_anti_affinity();
  std::vector<PodTerm> all;
  for (const auto& t : near.required_during_scheduling_ignored_during_execution()) {
    add(out->required, t, 0);
    all.push_back(compile(t, pod.metadata()));
  }
  if (!all.empty()) out->all_required = classes.group(std::move(all));
  for (const auto& t : away.required_during_scheduling_ignored_during_execution()) {
    add(out->required_anti, t, 0);
  }
  for (const auto& t : near.preferred_during_scheduling_ignored_during_execution()) {
    add(out->preferred, t.pod_affinity_term(), t.weight());
  }
  for (const auto& t : away.preferred_during_scheduling_ignored_during_execution()) {
    add(out->preferred, t.pod_affinity_term(), -t.weight());
  }
  return out;
}

}  // namespace keelson::scheduler
