// FGD, fragmentation gradient descent: the node, and for a share of a GPU the device, whose
// fragmentation grows least (Weng et al. 2023, "Beware of Fragmentation", USENIX ATC). The typical
// pods come from the plugin's arguments; without any, all nodes are alike.
#include <boost/container/small_vector.hpp>

#include "core/scheduler/policies/fragmentation.hpp"
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"
#include "core/scheduler/policies/sigmoid.hpp"

namespace keelson::scheduler {
namespace {

constexpr double kDevice = 1000.0;  // differences count in devices

// What does not depend on the pod, remembered until the row changes.
struct Rows final : CycleState::Data {
  struct Row {
    uint64_t generation = 0;
    double fragmentation = 0;
  };
  std::vector<Row> rows;
  std::vector<int32_t> models;  // number of the model by NameId of its label's value; -1: not looked up
};

struct Placement {
  int32_t score = 0;
  int32_t device = 0;  // of a share
};

class Fgd final : public Plugin {
 public:
  explicit Fgd(std::vector<TypicalPod> typical) : fragmentation_(std::move(typical)) {}
  std::string_view name() const override { return "FGD"; }
  Points points() const override { return Point::score | Point::choose; }
  EventMask wakes_on() const override { return EventMask::none(); }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }

  void score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    Rows& mine = state.of<Rows>(slot());
    mine.rows.resize(snapshot.slots());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      scores[i] = best(mine, pod, snapshot, nodes[i]).score;
    }
  }
  std::optional<DeviceSet> choose(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                                  NodeIndex node) const override {
    if (!share(pod.gpus) || fragmentation_.empty()) return std::nullopt;
    Rows& mine = state.of<Rows>(slot());
    mine.rows.resize(snapshot.slots());
    const Placement placement = best(mine, pod, snapshot, node);
    if (placement.device < 0) return std::nullopt;
    DeviceSet devices;
    devices.add(placement.device);
    return devices;
  }

 private:
  using Lefts = boost::container::small_vector<int32_t, 8>;

  static bool share(const DeviceDemand& demand) {
    return demand.count == 1 && demand.milli < kDeviceMilli;
  }

  Fragmentation::Node node_of(Rows& mine, const Snapshot& snapshot, NodeIndex node) const {
    return {rest_of(snapshot, kCpu, node), model_of(mine, snapshot, node),
            snapshot.devices().left(node)};
  }

  int32_t model_of(Rows& mine, const Snapshot& snapshot, NodeIndex node) const {
    const NameId label = snapshot.words().find(api::kGpuModelLabel);
    if (label == 0) return 0;
    const NameId value = snapshot.label_column(label)[node];
    if (value >= mine.models.size()) mine.models.resize(value + 1, -1);
    int32_t& number = mine.models[value];
    if (number < 0) number = fragmentation_.model(snapshot.words().text(value));
    return number;
  }

  // The best that the pod can do on the node. REQUIRES: it fits.
  Placement best(Rows& mine, const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const {
    Fragmentation::Node now = node_of(mine, snapshot, node);
    Rows::Row& row = mine.rows[node];
    if (row.generation != snapshot.generation(node)) {
      row = {snapshot.generation(node), fragmentation_.of(now)};
    }
    Lefts left(now.left.begin(), now.left.end());
    Fragmentation::Node then = now;
    then.cpu -= pod.requests[kCpu];
    then.left = {left.data(), left.size()};
    const auto scored = [&] {
      return percent_sigmoid((row.fragmentation - fragmentation_.of(then)) / kDevice);
    };
    if (!share(pod.gpus)) {
      const DeviceSet devices = DeviceTable::best_fit(now.left, pod.gpus);
      for (std::size_t d = 0; d < left.size(); ++d) {
        if (devices.has(static_cast<int32_t>(d))) left[d] -= pod.gpus.milli;
      }
      return {scored(), -1};
    }
    Placement best{0, -1};
    for (std::size_t d = 0; d < left.size(); ++d) {
      if (left[d] < pod.gpus.milli) continue;
      // Equal devices are as good as each other: the first of them stands for all.
      if (std::find(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(d), left[d]) !=
          left.begin() + static_cast<std::ptrdiff_t>(d)) {
        continue;
      }
      left[d] -= pod.gpus.milli;
      const int32_t score = scored();
      left[d] += pod.gpus.milli;
      if (best.device < 0 || score > best.score) best = {score, static_cast<int32_t>(d)};
    }
    return best;
  }

  Fragmentation fragmentation_;
};

}  // namespace

std::unique_ptr<Plugin> make_fgd(const PluginArgs& args) {
  return std::make_unique<Fgd>(args.policies.typical_pods);
}

}  // namespace keelson::scheduler
