// Words for pods' wishes about other pods.
#pragma once

#include <string>
#include <vector>

#include "tests/scheduler/cluster.hpp"

namespace keelson::test {

inline constexpr const char* kHost = "kubernetes.io/hostname";
inline constexpr const char* kZone = "topology.kubernetes.io/zone";

// "app=web,tier=db" as matchLabels; "*" everything.
inline api::LabelSelector selector(const std::string& text) {
  api::LabelSelector out;
  const auto matcher = api::LabelSelectorMatcher::parse(text == "*" ? "" : text).value();
  for (const auto& r : matcher.requirements()) {
    (*out.mutable_match_labels())[r.key] = r.values.front();
  }
  return out;
}

inline api::TopologySpreadConstraint constraint(std::string key, int32_t max_skew, std::string when,
                                                const std::string& pods) {
  api::TopologySpreadConstraint c;
  c.set_topology_key(key);
  c.set_max_skew(max_skew);
  c.set_when_unsatisfiable(when);
  *c.mutable_label_selector() = selector(pods);
  return c;
}
inline auto spreads(api::TopologySpreadConstraint c) {
  return [=](api::Pod& pod) { *pod.mutable_spec()->add_topology_spread_constraints() = c; };
}
inline auto must_spread(std::string key, int32_t max_skew, std::string pods) {
  return spreads(constraint(key, max_skew, "DoNotSchedule", pods));
}
inline auto should_spread(std::string key, int32_t max_skew, std::string pods) {
  return spreads(constraint(key, max_skew, "ScheduleAnyway", pods));
}

inline api::PodAffinityTerm term(std::string key, const std::string& pods) {
  api::PodAffinityTerm t;
  t.set_topology_key(key);
  *t.mutable_label_selector() = selector(pods);
  return t;
}
inline auto must_be_near(api::PodAffinityTerm t) {
  return [=](api::Pod& pod) {
    *pod.mutable_spec()
         ->mutable_affinity()
         ->mutable_pod_affinity()
         ->add_required_during_scheduling_ignored_during_execution() = t;
  };
}
inline auto must_be_away(api::PodAffinityTerm t) {
  return [=](api::Pod& pod) {
    *pod.mutable_spec()
         ->mutable_affinity()
         ->mutable_pod_anti_affinity()
         ->add_required_during_scheduling_ignored_during_execution() = t;
  };
}
// A negative weight: away from them.
inline auto should_be_near(int32_t weight, api::PodAffinityTerm t) {
  return [=](api::Pod& pod) {
    auto* affinity = pod.mutable_spec()->mutable_affinity();
    auto* preferred = weight > 0 ? affinity->mutable_pod_affinity()
                                       ->add_preferred_during_scheduling_ignored_during_execution()
                                 : affinity->mutable_pod_anti_affinity()
                                       ->add_preferred_during_scheduling_ignored_during_execution();
    preferred->set_weight(weight > 0 ? weight : -weight);
    *preferred->mutable_pod_affinity_term() = t;
  };
}

}  // namespace keelson::test
