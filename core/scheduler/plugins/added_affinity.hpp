// NodeAffinityArgs.addedAffinity: a node affinity that all pods of a profile have beside their own.
// It is compared with the nodes' own labels, as text: there is one for all pods, so each node is
// judged once and the verdict kept until the node changes.
#pragma once

#include <optional>
#include <vector>

#include "core/scheduler/cache/snapshot.hpp"

namespace keelson::scheduler {

class AddedAffinity {
 public:
  explicit AddedAffinity(std::optional<api::NodeAffinity> affinity)
      : affinity_(std::move(affinity)) {}

  bool filters() const {
    return affinity_ && affinity_->has_required_during_scheduling_ignored_during_execution();
  }
  bool scores() const {
    return affinity_ && affinity_->preferred_during_scheduling_ignored_during_execution_size() > 0;
  }
  bool matches(const Snapshot& snapshot, NodeIndex node) const {
    return !filters() || verdict(snapshot, node).matches;
  }
  // The sum of the weights of the preferred terms that hold.
  int32_t score(const Snapshot& snapshot, NodeIndex node) const {
    return scores() ? verdict(snapshot, node).score : 0;
  }

 private:
  struct Judged {
    api::ObjectPtr node;  // what was judged
    bool matches = false;
    int32_t score = 0;
  };
  const Judged& verdict(const Snapshot& snapshot, NodeIndex node) const;

  std::optional<api::NodeAffinity> affinity_;
  mutable std::vector<Judged> judged_;  // by row
};

}  // namespace keelson::scheduler
