// A pod's wishes about other pods, compiled once: topology spread constraints, and affinity to pods
// or away from them. Selectors become selector groups, so that nothing is matched per decision.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/api/object.hpp"
#include "core/scheduler/cache/label_classes.hpp"
#include "core/scheduler/cache/vocabulary.hpp"

namespace keelson::scheduler {

struct SpreadConstraint {
  NameId topology_key = 0;
  int32_t max_skew = 1;
  int32_t min_domains = 1;
  bool hard = true;            // DoNotSchedule; else ScheduleAnyway
  bool honor_affinity = true;  // nodes that the pod's node affinity excludes are left out
  bool honor_taints = false;   // nodes that the pod does not tolerate are left out
  SelectorGroupPtr pods;       // those that are counted
};

struct AffinityTerm {
  SelectorGroupPtr pods;
  NameId topology_key = 0;
  int32_t weight = 0;  // preferred terms only; negative: away from them
};

struct PodAffinity {
  std::vector<AffinityTerm> required, required_anti, preferred;
  SelectorGroupPtr all_required;  // the pods that match all of `required`; null if there are none
};

// `pods` stays null.
SpreadConstraint read_constraint(NameId topology_key, const api::TopologySpreadConstraint& from);

// Labels are those of the pod: matchLabelKeys refers to them. A selector that does not parse matches
// nothing (the API does not let it through).
std::vector<SpreadConstraint> read_spread(Vocabulary& words, LabelClasses& classes,
                                          const api::Pod& pod);
// Null if the pod has no wishes about other pods.
std::shared_ptr<const PodAffinity> read_pod_affinity(Vocabulary& words, LabelClasses& classes,
                                                     const api::Pod& pod);

}  // namespace keelson::scheduler
