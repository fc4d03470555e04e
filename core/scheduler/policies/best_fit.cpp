// BestFit: the node that has least left of CPU and GPU once the pod is there. WorstFit: most. The two
// resources count half each, in shares of the largest node (Weng et al. 2023, section 6.1).
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

// Of the node, once the pod is there: 0 (nothing left) to 1 (the largest node, empty).
double left_over(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) {
  const int64_t cpu = rest_of(snapshot, kCpu, node) - pod.requests[kCpu];
  const int64_t gpu = snapshot.devices().total_left(node) - pod.gpus.total();
  return 0.5 * static_cast<double>(cpu) / kLargestNodeCpu +
         0.5 * static_cast<double>(gpu) / kLargestNodeGpu;
}

class Fit final : public NodeScorer {
 public:
  explicit Fit(bool best) : best_(best) {}
  std::string_view name() const override { return best_ ? "BestFit" : "WorstFit"; }
  Points points() const override { return Point::score | Point::normalize; }
  void normalize(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex>,
                 std::span<int32_t> scores) const override {
    stretch(scores);
  }

 private:
  int32_t score_node(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    const double left = left_over(pod, snapshot, node);
    return truncated(100.0 * (best_ ? 1.0 - left : left));
  }
  bool best_;
};

}  // namespace

std::unique_ptr<Plugin> make_best_fit(const PluginArgs&) {
  return std::make_unique<Fit>(true);
}
std::unique_ptr<Plugin> make_worst_fit(const PluginArgs&) {
  return std::make_unique<Fit>(false);
}

}  // namespace keelson::scheduler
