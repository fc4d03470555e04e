// GpuClustering: pods of one class of GPU demand stay together (Xiao et al. 2018, as Weng et al. 2023
// model it). Classes: shares of a device, and each number of whole devices. Integers only.
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

constexpr int32_t kLargestGpu = 8000;
constexpr int32_t kOnlyThisClass = 75, kThisAndOthers = 50, kNoGpuPod = 25, kOnlyOthers = 0;

// 0: shares; n: n devices.
int32_t class_of(const DeviceDemand& demand) {
  return demand.milli < kDeviceMilli ? 0 : demand.count;
}

// Which classes a node hosts, remembered per row until it changes.
struct Hosted final : CycleState::Data {
  struct Row {
    uint64_t generation = 0;
    uint64_t classes = 0;  // bit per class
  };
  std::vector<Row> rows;
};

class GpuClustering final : public Plugin {
 public:
  std::string_view name() const override { return "GpuClustering"; }
  Points points() const override { return only(Point::score); }
  EventMask wakes_on() const override { return EventMask::none(); }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  void score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    if (!pod.gpus.any()) {
      std::fill(scores.begin(), scores.end(), 0);
      return;
    }
    auto& rows = state.of<Hosted>(slot()).rows;
    rows.resize(snapshot.slots());
    const uint64_t mine = uint64_t{1} << std::min(class_of(pod.gpus), 63);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      Hosted::Row& row = rows[nodes[i]];
      if (row.generation != snapshot.generation(nodes[i])) refresh(row, snapshot, nodes[i]);
      const bool others = (row.classes & ~mine) != 0;
      const int32_t company = (row.classes & mine) != 0 ? (others ? kThisAndOthers : kOnlyThisClass)
                              : others                  ? kOnlyOthers
                                                        : kNoGpuPod;
      const int32_t left = std::min(snapshot.devices().total_left(nodes[i]), kLargestGpu);
      scores[i] = 25 * (kLargestGpu - left) / kLargestGpu + company;
    }
  }

 private:
  static void refresh(Hosted::Row& row, const Snapshot& snapshot, NodeIndex node) {
    row.generation = snapshot.generation(node);
    row.classes = 0;
    for (const PodInfoPtr& other : snapshot.pods(node)) {
      if (!other->gpus.any()) continue;
      row.classes |= uint64_t{1} << std::min(class_of(other->gpus), 63);
    }
  }
};

}  // namespace

std::unique_ptr<Plugin> make_gpu_clustering(const PluginArgs&) {
  return std::make_unique<GpuClustering>();
}

}  // namespace keelson::scheduler
