// The second half of a decision: which of the feasible nodes is the best.
#pragma once

#include "core/scheduler/framework/decide.hpp"

namespace keelson::scheduler {

// The sum of weighted scores of each node in cycle.feasible, in cycle.totals. `memory` (null: none)
// holds what is known of the pod's shape. False: a plugin failed, the decision says how.
bool score_nodes(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
                 ShapeMemory* memory, Decision& decision);

// The best of them becomes the decision's node. Among equals the one of the lowest rank, if there are
// ranks; else all are equally likely, and the Rng is asked once, and only if there are several.
void select_best(Rng& rng, const Cycle& cycle, Decision& decision);

}  // namespace keelson::scheduler
