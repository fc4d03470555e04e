// Random: a node drawn from those that the pod fits on, and for a share of a GPU a device drawn from
// those that suffice. What is drawn depends on the seed, the pod's uid and the choice that there is
// alone, so the plugin stays pure. FirstFit: the first node of the table.
#include <bit>

#include "core/base/hash.hpp"
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

constexpr uint64_t kForNode = 1, kForDevice = 2;

// The winner gets 100, the others nothing.
void elect(std::span<int32_t> scores, std::size_t winner) {
  std::fill(scores.begin(), scores.end(), 0);
  if (!scores.empty()) scores[winner] = kMaxNodeScore;
}

class Random final : public Plugin {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  std::string_view name() const override { return "Random"; }
  Points points() const override { return Point::score | Point::choose; }
  EventMask wakes_on() const override { return EventMask::none(); }
  void score(CycleState&, const PodInfo& pod, const Snapshot&, std::span<const NodeIndex> nodes,
             std::span<int32_t> scores) const override {
    elect(scores, nodes.empty() ? 0 : draw(pod, kForNode, nodes.size()));
  }
  std::optional<DeviceSet> choose(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                                  NodeIndex node) const override {
    if (pod.gpus.count != 1 || pod.gpus.milli == kDeviceMilli) return std::nullopt;
    DeviceSet fit;
    const auto left = snapshot.devices().left(node);
    for (std::size_t d = 0; d < left.size(); ++d) {
      if (left[d] >= pod.gpus.milli) fit.add(static_cast<int32_t>(d));
    }
    if (fit.empty()) return std::nullopt;
    uint64_t bits = fit.bits();
    const auto count = static_cast<std::size_t>(std::popcount(bits));
    for (std::size_t skip = draw(pod, kForDevice, count); skip > 0; --skip) bits &= bits - 1;
    return DeviceSet(bits & (~bits + 1));
  }

 private:
  std::size_t draw(const PodInfo& pod, uint64_t purpose, std::size_t choices) const {
    const uint64_t hash = hash_combine(hash_combine(seed_, purpose), hash_bytes(pod.uid()));
    return static_cast<std::size_t>(hash % choices);
  }
  uint64_t seed_;
};

class FirstFit final : public Plugin {
 public:
  std::string_view name() const override { return "FirstFit"; }
  Points points() const override { return only(Point::score); }
  EventMask wakes_on() const override { return EventMask::none(); }
  void score(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex> nodes,
             std::span<int32_t> scores) const override {
    const auto first = std::min_element(nodes.begin(), nodes.end());
    elect(scores, static_cast<std::size_t>(first - nodes.begin()));
  }
};

}  // namespace

std::unique_ptr<Plugin> make_random(const PluginArgs& args) {
  return std::make_unique<Random>(args.policies.seed);
}
std::unique_ptr<Plugin> make_first_fit(const PluginArgs&) {
  return std::make_unique<FirstFit>();
}

}  // namespace keelson::scheduler
