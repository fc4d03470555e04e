// The milestones of a history: what followed from each entry of a scenario's timeline, and how long after
// it. A pure function of the changes that the API told, the same for real and simulated clusters, so that
// the two can be laid side by side.
//
// Of several pods (nodes, containers) the last one counts: "running" is when all of them run. A user's
// action is credited with what happens to its deployment (to its node; to everything, for `apply`) until
// the next action on the same, but for pods that come and go only after the next fault; a fault with what
// happens until the next fault. Where faults and actions overlap, read the timeline.
#pragma once

#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "tools/cli/real/history.hpp"

namespace keelson::real {

struct Milestone {
  std::string name;   // "pods scheduled"
  Duration after{};   // since the deed
  std::size_t count;  // of how many
};

struct Chapter {
  Duration at{};
  std::string what;  // "keelson scale deployments/kel --replicas=2", "node-crash node-2"
  std::vector<Milestone> milestones;  // by time
};

// One for each deed, in their order.
std::vector<Chapter> chapters(const sim::Scenario& scenario, const History& history);

// What an entry is called in tables.
std::string title(const sim::TimedAction& entry);

}  // namespace keelson::real
