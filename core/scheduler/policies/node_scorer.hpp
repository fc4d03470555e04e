// What the policies share: most are one function of a pod and of what a node has left.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/scheduler/framework/plugin.hpp"

namespace keelson::scheduler {

// The largest node of the experiments in which BestFit, DotProd and FGD were published: their scores
// are in units of it (Weng et al. 2023).
inline constexpr double kLargestNodeCpu = 128'000;  // milli
inline constexpr double kLargestNodeGpu = 8'000;    // thousandths of a device

// A resource that no node has got has no column.
inline int64_t capacity_of(const Snapshot& snapshot, ResourceId resource, NodeIndex node) {
  const ResourceColumn& c = snapshot.resource(resource);
  return node < c.allocatable.size() ? c.allocatable[node] : 0;
}
inline int64_t rest_of(const Snapshot& snapshot, ResourceId resource, NodeIndex node) {
  const ResourceColumn& c = snapshot.resource(resource);
  return node < c.allocatable.size() ? c.allocatable[node] - c.requested[node] : 0;
}

// Truncated, and kept within what a score can be before it is normalised.
inline int32_t truncated(double score) {
  return static_cast<int32_t>(std::clamp(score, -1e6, 1e6));
}
inline int32_t within_100(int32_t score) {
  return std::clamp(score, 0, kMaxNodeScore);
}

class NodeScorer : public Plugin {
 public:
  Points points() const override { return only(Point::score); }
  EventMask wakes_on() const override { return EventMask::none(); }  // it rejects nothing
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  void score(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      scores[i] = score_node(pod, snapshot, nodes[i]);
    }
  }

 private:
  virtual int32_t score_node(const PodInfo& pod, const Snapshot& snapshot,
                             NodeIndex node) const = 0;
};

// Stretches the scores to 0..100, the lowest 0 and the highest 100; all 0 if they are equal.
inline void stretch(std::span<int32_t> scores) {
  if (scores.empty()) return;
  const auto ends = std::minmax_element(scores.begin(), scores.end());
  const int64_t low = *ends.first, high = *ends.second;
  for (int32_t& s : scores) {
    s = high == low ? 0 : static_cast<int32_t>((s - low) * kMaxNodeScore / (high - low));
  }
}

}  // namespace keelson::scheduler
