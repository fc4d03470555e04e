// What somebody beside the plugins says about nodes for one pod. A decision waits for nobody: who
// has to be asked is asked between two decisions, and what was answered goes into the second.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/scheduler/cache/vocabulary.hpp"

namespace keelson::scheduler {

struct Advice {
  struct Opinion {
    bool accepted = false;
    int64_t score = 0;          // accepted: added to the node's weighted scores; not negative
    std::string why;            // refused: "node(s) ..."
    bool unresolvable = false;  // refused: removing pods from the node would not help
  };
  std::map<NameId, Opinion> nodes;  // by name: rows may move

  bool any_accepted() const {
    for (const auto& [node, opinion] : nodes) {
      if (opinion.accepted) return true;
    }
    return false;
  }
  bool any_refused() const {
    for (const auto& [node, opinion] : nodes) {
      if (!opinion.accepted) return true;
    }
    return false;
  }
};

}  // namespace keelson::scheduler
