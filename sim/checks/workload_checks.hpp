// The parts of the RS-* and DP-* checks.
#pragma once

#include "sim/checks/rollout_rules.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

// What the checks of Deployments share; kept by the first of them in the list.
struct RolloutKnowledge {
  Families families;
  RevisionTimes times;
};
using RolloutKnowledgePtr = std::shared_ptr<RolloutKnowledge>;

// DP-1, DP-2, DP-4, DP-5, DP-6, DP-8. Keeps the knowledge: comes before the others.
std::unique_ptr<Check> make_rollout_check(const CheckContext& context, RolloutKnowledgePtr shared);
std::unique_ptr<Check> make_availability_check(const CheckContext& context,
                                               RolloutKnowledgePtr shared);  // DP-3
std::unique_ptr<Check> make_progress_check(const CheckContext& context,
                                           RolloutKnowledgePtr shared);  // DP-7

}  // namespace keelson::sim
