// Why a pod goes, or does not go, where: what every filter says of every node, and what every plugin
// would give it. decide() stops at the first "no" and looks at no more nodes than it needs; this looks at
// everything, and is as slow as that is. What both say is the same: `decision` is decide()'s.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/scheduler/framework/decide.hpp"

namespace keelson::scheduler {

struct Rejection {
  std::string plugin, reason;
  bool preemptible = false;  // fewer pods on the node could change it
};

struct PluginScore {
  std::string plugin;
  int32_t score = 0;  // 0..100, normalised over the feasible nodes
  int32_t weight = 1;
};

struct NodeExplanation {
  std::string node;
  std::vector<Rejection> rejections;  // of each filter that turns it down, in the profile's order
  std::vector<PluginScore> scores;    // empty if it is not feasible
  int64_t total = 0;                  // weighted
  bool feasible() const { return rejections.empty(); }
};

struct Explanation {
  Decision decision;   // looking at all nodes; which of equals is taken, the scheduler draws
  std::string chosen;  // decision.node by name, if there is one: to bind to, or to make room on
  std::string message;  // what the pod's condition would say; empty if a node is feasible
  std::vector<Rejection> pod;  // what forbids it everywhere, before any node is looked at; each node has it too
  std::vector<NodeExplanation> nodes;  // feasible first, by total; others by name
  // What could help a pod that has no node: per plugin that turned it down, events in words.
  struct Hope {
    std::string plugin;
    std::vector<std::string> events;
  };
  std::vector<Hope> hopes;
};

// The snapshot is on return as it was before. A pod that is on a node already is judged as if it were not
// only if the caller has taken it out of the cache.
Explanation explain(const Profile& profile, Snapshot& snapshot, const PodInfo& pod);

// The events of a mask in words: "a pod leaves a node", ...
std::vector<std::string> in_words(EventMask events);

}  // namespace keelson::scheduler
