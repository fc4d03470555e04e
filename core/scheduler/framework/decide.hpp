// The scheduling decision as a function: profile, snapshot and pod in, decision out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "core/scheduler/framework/advice.hpp"
#include "core/scheduler/framework/filter_run.hpp"
#include "core/scheduler/framework/profile.hpp"
#include "core/scheduler/framework/shape_memory.hpp"

namespace keelson::scheduler {

struct Decision {
  enum class Kind : uint8_t {
    node,           // bind it there
    unschedulable,  // the diagnosis says why
    preempt,        // delete the victims and nominate the pod to the node
    error,          // a plugin failed; message in `error`
  };
  Kind kind = Kind::unschedulable;
  NodeIndex node = kNoNode;
  api::DeviceSet devices;  // of the node, for a pod that wants some; empty: nobody chooses them
  std::vector<PodInfoPtr> victims;
  int64_t violations = 0;         // of disruption budgets by deleting the victims
  Diagnosis diagnosis;            // unschedulable, preempt
  bool clear_nomination = false;  // unschedulable: the pod's nomination, if any, is void
  // unschedulable: none of the nodes that were accepted in the advice will do any more. Ask anew.
  bool advice_outdated = false;
  std::string error;
  uint32_t evaluated = 0;  // nodes that the filters looked at
  uint32_t feasible = 0;   // of those, scored
  int64_t score = 0;       // of the chosen node; 0 if it was the only one
};

// Memory that is reused from one decision to the next, and where the search for nodes goes on. For
// decisions of one profile on one snapshot.
struct Cycle {
  // Percentage of nodes to find feasible before scoring; 0: adaptive (50 % of 100 nodes down to 5 %
  // of the largest clusters), 100: all.
  int32_t percentage_of_nodes_to_score = 0;
  // Breaks ties where it is not empty, instead of the Rng: of the best nodes the one with the lowest
  // rank wins. By NodeIndex; a node beyond the end comes last. For experiments, whose policies are
  // compared under the same order of nodes.
  std::vector<uint32_t> rank;
  uint32_t next_start = 0;  // each search starts where the last one stopped, so that all get a turn

  // Makes decisions faster and changes none: what pods of a shape were told is told again where
  // nothing has changed.
  bool remember = true;
  ShapeMemories memories;

  CycleState state;
  Diagnosis diagnosis, scratch;
  NodeBitset candidates, narrowed, block, stale;
  std::vector<NodeIndex> feasible, rows;
  std::vector<uint32_t> counts;
  std::vector<int32_t> scores;
  std::vector<int64_t> totals;
};

// How many feasible nodes are enough. Source: kube-scheduler's numFeasibleNodesToFind.
std::size_t feasible_nodes_to_find(std::size_t nodes, int32_t percentage);

// The snapshot is on return as it was before; it is not const because what-if changes are tried out
// in it. Ties between best nodes are broken by `cycle.rank`, else by `rng`, uniformly.
//
// With advice, nodes that it refuses are not feasible, and once it accepts some it is one of them, its
// score added. Nodes of which it says nothing may come back while it has accepted none.
Decision decide(const Profile& profile, Snapshot& snapshot, const PodInfo& pod, Rng& rng,
                Cycle& cycle, const Advice* advice = nullptr);
// Looks at all nodes, with memory of its own: for tests and checkers.
Decision decide(const Profile& profile, Snapshot& snapshot, const PodInfo& pod, Rng& rng);

}  // namespace keelson::scheduler
