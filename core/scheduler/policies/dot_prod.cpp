// DotProd: the node whose rest points least in the direction of what the pod asks for, as Weng et al.
// (2023) use the dot product of Grandl et al. (2014): the fuller node wins.
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

class DotProd final : public NodeScorer {
 public:
  std::string_view name() const override { return "DotProd"; }

 private:
  int32_t score_node(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    const auto cpu_left = static_cast<double>(rest_of(snapshot, kCpu, node));
    const auto gpu_left = static_cast<double>(snapshot.devices().total_left(node));
    const double product =
        cpu_left / kLargestNodeCpu * (static_cast<double>(pod.requests[kCpu]) / kLargestNodeCpu) +
        gpu_left / kLargestNodeGpu * (static_cast<double>(pod.gpus.total()) / kLargestNodeGpu);
    return within_100(truncated(100.0 * (1.0 - product / 2.0)));
  }
};

}  // namespace

std::unique_ptr<Plugin> make_dot_prod(const PluginArgs&) {
  return std::make_unique<DotProd>();
}

}  // namespace keelson::scheduler
