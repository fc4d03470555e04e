// Tetris: the node whose rest is best aligned with what the pod asks for, so that large demands go
// where much is left of just that. The alignment is the dot product of demand and rest, each in shares
// of the node's capacity (Grandl et al. 2014, section 3.2), over CPU, memory and GPU. Integers only.
#include "core/scheduler/plugins/scores.hpp"
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

// In ten-thousandths: the product of two shares.
int64_t aligned(int64_t demand, int64_t rest, int64_t capacity) {
  if (capacity <= 0 || demand <= 0 || rest <= 0) return 0;
  return int64_t{percent(std::min(demand, capacity), capacity)} *
         percent(std::min(rest, capacity), capacity);
}

class Tetris final : public NodeScorer {
 public:
  std::string_view name() const override { return "Tetris"; }

 private:
  int32_t score_node(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    const DeviceTable& devices = snapshot.devices();
    const auto gpu = static_cast<int64_t>(devices.left(node).size()) * kDeviceMilli;
    int64_t sum = aligned(pod.gpus.total(), devices.total_left(node), gpu);
    for (const ResourceId id : {kCpu, kMemory}) {
      sum += aligned(pod.requests[id], rest_of(snapshot, id, node),
                     capacity_of(snapshot, id, node));
    }
    return static_cast<int32_t>(sum / 300);  // three resources
  }
};

}  // namespace

std::unique_ptr<Plugin> make_tetris(const PluginArgs&) {
  return std::make_unique<Tetris>();
}

}  // namespace keelson::scheduler
