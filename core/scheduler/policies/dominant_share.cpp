// DominantShare: the node whose most used resource would be used least, so that the largest of its
// shares grows as slowly as possible. It applies the dominant share of Ghodsi et al. (2011), there of
// users, to nodes; CPU, memory and GPU count. Integers only.
#include "core/scheduler/plugins/scores.hpp"
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

class DominantShare final : public NodeScorer {
 public:
  std::string_view name() const override { return "DominantShare"; }

 private:
  int32_t score_node(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    int32_t dominant = 0;
    const auto use = [&](int64_t used, int64_t capacity) {
      if (capacity > 0) {
        dominant = std::max(dominant, percent(std::clamp<int64_t>(used, 0, capacity), capacity));
      }
    };
    for (const ResourceId id : {kCpu, kMemory}) {
      const int64_t capacity = capacity_of(snapshot, id, node);
      use(capacity - rest_of(snapshot, id, node) + pod.requests[id], capacity);
    }
    const DeviceTable& devices = snapshot.devices();
    const auto gpu = static_cast<int64_t>(devices.left(node).size()) * kDeviceMilli;
    use(gpu - devices.total_left(node) + pod.gpus.total(), gpu);
    return kMaxNodeScore - dominant;
  }
};

}  // namespace

std::unique_ptr<Plugin> make_dominant_share(const PluginArgs&) {
  return std::make_unique<DominantShare>();
}

}  // namespace keelson::scheduler
