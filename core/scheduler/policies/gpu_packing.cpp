// GpuPacking: GPUs that are in use already come first, then free GPUs of nodes in use, then nodes that
// are all free (as Weng et al. 2023 model the packing of multi-tenant GPU clusters). Integers only.
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

constexpr int32_t kUsedNode = kMaxNodeScore / 2, kFreeNode = kMaxNodeScore / 3;

class GpuPacking final : public NodeScorer {
 public:
  std::string_view name() const override { return "GpuPacking"; }

 private:
  int32_t score_node(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    if (!pod.gpus.any()) return 0;
    const auto left = snapshot.devices().left(node);
    const auto count = static_cast<int32_t>(left.size());
    if (snapshot.devices().whole_left(node) == count) return std::max(kFreeNode - count, count);
    const DeviceSet taken = DeviceTable::best_fit(left, pod.gpus);
    int32_t free = 0, used = 0;  // devices that nobody uses; hundredths left of the others
    for (std::size_t d = 0; d < left.size(); ++d) {
      if (!taken.has(static_cast<int32_t>(d))) continue;
      if (left[d] == kDeviceMilli) {
        ++free;
      } else {
        used += left[d] * kMaxNodeScore / kDeviceMilli;
      }
    }
    if (free > 0) return std::max(kUsedNode - free, kFreeNode);
    return std::max(kMaxNodeScore - used / 10, kUsedNode);
  }
};

}  // namespace

std::unique_ptr<Plugin> make_gpu_packing(const PluginArgs&) {
  return std::make_unique<GpuPacking>();
}

}  // namespace keelson::scheduler
