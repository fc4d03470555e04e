// GPUs by the device, and shares of one: core/api/devices.hpp says how pods ask. A node suits if
// enough of its devices have enough left each; the tightest ones that suffice are given. Switched on,
// it takes the resource nvidia.com/gpu over from NodeResourcesFit, which knows whole devices only.
// The books are the snapshot's DeviceTable. Pods that ask for no GPU pay nothing.
#include <algorithm>

#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

// What the devices of the node would have left without the pods that this one may preempt, and
// without those that are leaving.
std::vector<int32_t> left_after_preemption(const PodInfo& pod, const Snapshot& snapshot,
                                           NodeIndex node) {
  const auto left = snapshot.devices().left(node);
  std::vector<int32_t> after(left.begin(), left.end());
  for (const PodInfoPtr& other : snapshot.pods(node)) {
    if (other->priority >= pod.priority || other->deleting() || !other->gpus.any()) continue;
    const DeviceSet held = snapshot.devices().held_by(*other);
    for (std::size_t d = 0; d < after.size(); ++d) {
      if (held.has(static_cast<int32_t>(d))) after[d] += other->gpus.milli;
    }
  }
  return after;
}

class GpuShare final : public Plugin {
 public:
  std::string_view name() const override { return "GpuShare"; }
  Points points() const override { return Point::pre_filter | Point::filter | Point::choose; }
  EventMask wakes_on() const override {
    return events::node_added | events::node_allocatable | events::pod_removed;
  }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    if (pod.gpus.malformed) return false;
    if (snapshot.devices().fits(node, pod.gpus)) return true;
    if (pod.preemption_policy == PreemptionPolicy::never ||
        snapshot.lowest_priority() >= pod.priority) {
      return false;
    }
    return DeviceTable::fits(left_after_preemption(pod, snapshot, node), pod.gpus);
  }

  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot&,
                     NodeBitset&) const override {
    if (!pod.gpus.any()) return Verdict::skip();
    if (!pod.gpus.malformed) return Verdict::success();
    return Verdict::unresolvable(std::string("annotation ") + api::kGpuMilliAnnotation +
                                 " must be a number from 1 to 1000: thousandths of each device");
  }
  void filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    const DeviceTable& devices = snapshot.devices();
    Diagnosis::ReasonIndex why = 0;
    bool asked = false;
    feasible.keep_if([&](NodeIndex node) {
      if (devices.fits(node, pod.gpus)) return true;
      if (!asked) why = diagnosis.reason(std::string("Insufficient ") + api::kGpuResource);
      asked = true;
      diagnosis.count(why);
      const auto has = static_cast<int32_t>(devices.left(node).size());
      if (has < pod.gpus.count) diagnosis.mark_unresolvable(node);
      return false;
    });
  }
  std::optional<DeviceSet> choose(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                                  NodeIndex node) const override {
    return DeviceTable::best_fit(snapshot.devices().left(node), pod.gpus);
  }
};

}  // namespace

std::unique_ptr<Plugin> make_gpu_share(const PluginArgs&) {
  return std::make_unique<GpuShare>();
}

}  // namespace keelson::scheduler
