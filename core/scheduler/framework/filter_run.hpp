// One pod's way through the filters, with the possibility to ask "what if that pod were not there".
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/scheduler/framework/plugin.hpp"
#include "core/scheduler/framework/profile.hpp"

namespace keelson::scheduler {

class FilterRun {
 public:
  // `remember`: see Cycle.
  FilterRun(const Profile& profile, Snapshot& snapshot, const PodInfo& pod, CycleState& state,
            bool remember = false)
      : profile_(profile), snapshot_(snapshot), pod_(pod), state_(state), remember_(remember) {}
  // Undoes the what-if changes that are left.
  ~FilterRun() { undo_to(0); }
  FilterRun(const FilterRun&) = delete;
  FilterRun& operator=(const FilterRun&) = delete;

  const PodInfo& pod() const { return pod_; }
  const Snapshot& snapshot() const { return snapshot_; }

  CycleState& state() { return state_; }

  // The filters that are asked about this pod: bit per slot.
  uint64_t filters() const;
  // May a plugin remember what a run found out about a node and pods of this shape? If so, until the
  // node's row or the number changes (see Plugin::memo_basis, of all filters).
  std::optional<uint64_t> memo_basis() const;

  // Narrows `nodes` to those that accept the pod now. Pods nominated to a node, of at least this
  // pod's priority, count as being there; the pod must fit with them and (because they may serve
  // its affinity, but might never arrive) also without. Only the plugins in `among` (bit per slot) are
  // asked.
  void filter(NodeBitset& nodes, Diagnosis& diagnosis, uint64_t among = ~uint64_t{0});

  // What-if changes, and their undoing in reverse order back to a mark.
  void add(NodeIndex node, const PodInfoPtr& other);
  void remove(NodeIndex node, const PodInfoPtr& other);
  std::size_t mark() const { return changes_.size(); }
  void undo_to(std::size_t mark);

 private:
  struct Change {
    NodeIndex node;
    PodInfoPtr pod;
    bool added;
  };
  void plain_filter(NodeBitset& nodes, Diagnosis& diagnosis, uint64_t among);
  void filter_nominated(NodeBitset& nodes, const NodeBitset& nominated, Diagnosis& diagnosis,
                        uint64_t among);
  bool judge_rows_alone(uint64_t among) const;
  void add_nominees(NodeIndex node, NodeBitset& nominees_here);
  void apply(NodeIndex node, const PodInfoPtr& other, bool added);

  const Profile& profile_;
  Snapshot& snapshot_;
  const PodInfo& pod_;
  CycleState& state_;
  bool remember_;
  std::vector<Change> changes_;
};

}  // namespace keelson::scheduler
