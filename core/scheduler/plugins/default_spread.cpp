// Spreads the pods of a workload (those that its services and its replica set select) over nodes
// and zones. It scores as kube-scheduler's PodTopologySpread does under its system default
// constraints: hostname with maxSkew 3 and zone with maxSkew 5, both ScheduleAnyway. The counts
// come from the label classes, which the cache keeps per pod event.
#include <bit>

#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

constexpr int64_t kHostnameMaxSkew = 3;
constexpr int64_t kZoneMaxSkew = 5;
// Weights are natural logarithms with this many fractional bits.
constexpr int kFraction = 10;

// ln(n), rounded down to kFraction bits. By repeated squaring, in integers: libm differs between
// machines in the last digit.
int64_t fixed_ln(uint64_t n) {
  KEELSON_ASSERT(n >= 1 && n < uint64_t{1} << 32);
  const int whole = std::bit_width(n) - 1;
  uint64_t mantissa = (n << 31) >> whole;  // in [1, 2) with 31 fractional bits
  int64_t log2 = whole;                    // gains 20 fractional bits
  for (int i = 0; i < 20; ++i) {
    mantissa = (mantissa * mantissa) >> 31;
    log2 <<= 1;
    if (mantissa >= uint64_t{1} << 32) {
      mantissa >>= 1;
      log2 |= 1;
    }
  }
  constexpr int64_t kLn2 = 744'261'118;  // ln(2) * 2^30
  return (log2 * kLn2) >> (50 - kFraction);
}

struct SpreadState final : CycleState::Data {
  std::vector<int32_t> on_node;  // matching pods by NodeIndex; zero outside `touched`
  std::vector<NodeIndex> touched;
  std::vector<int64_t> in_zone;                       // by zone number
  boost::unordered_flat_map<NameId, uint32_t> zones;  // zones of the feasible nodes, numbered
  int64_t hostname_weight = 0, zone_weight = 0;
};

class DefaultSpread final : public Plugin {
 public:
  std::string_view name() const override { return "DefaultSpread"; }
  Points points() const override { return Point::pre_score | Point::score | Point::normalize; }
  EventMask wakes_on() const override { return EventMask::none(); }

  Verdict pre_score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                    std::span<const NodeIndex> nodes) const override {
    const SelectorGroupPtr group = snapshot.workloads.spread_group(pod);
    if (!group) return Verdict::skip();
    auto& mine = state.of<SpreadState>(slot());
    for (const NodeIndex node : mine.touched) {
      if (node < mine.on_node.size()) mine.on_node[node] = 0;
    }
    mine.touched.clear();
    mine.on_node.resize(snapshot.slots(), 0);
    mine.zones.clear();
    std::size_t zoned = 0;
    for (const NodeIndex node : nodes) {
      const NameId zone = snapshot.zone(node);
      if (zone == 0) continue;
      ++zoned;
      mine.zones.try_emplace(zone, static_cast<uint32_t>(mine.zones.size()));
    }
    mine.in_zone.assign(mine.zones.size(), 0);
    for (const LabelClass* c : group->classes) count(mine, *c, snapshot);
    // The same for all: nothing to choose by.
    if (mine.touched.empty() && (zoned == 0 || zoned == nodes.size())) return Verdict::skip();
    mine.hostname_weight = fixed_ln(nodes.size() + 2);
    mine.zone_weight = fixed_ln(mine.zones.size() + 2);
    return Verdict::success();
  }

  void score(CycleState& state, const PodInfo&, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    const auto& mine = state.of<SpreadState>(slot());
    constexpr int64_t kHalf = int64_t{1} << (kFraction - 1);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      int64_t sum =
          mine.on_node[nodes[i]] * mine.hostname_weight + ((kHostnameMaxSkew - 1) << kFraction);
      if (const NameId zone = snapshot.zone(nodes[i]); zone != 0) {
        sum += mine.in_zone[mine.zones.find(zone)->second] * mine.zone_weight +
               ((kZoneMaxSkew - 1) << kFraction);
      }
      scores[i] = static_cast<int32_t>(std::min<int64_t>((sum + kHalf) >> kFraction, INT32_MAX));
    }
  }

  // The fewest neighbours get 100. Source: the plugin's NormalizeScore.
  void normalize(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex>,
                 std::span<int32_t> scores) const override {
    const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
    const int64_t least = *low, most = *high;
    for (int32_t& s : scores) {
      s = most == 0 ? kMaxNodeScore
                    : static_cast<int32_t>(kMaxNodeScore * (most + least - s) / most);
    }
  }

 private:
  static void count(SpreadState& mine, const LabelClass& c, const Snapshot& snapshot) {
    for (const auto& [name, pods] : c.on_nodes) {
      const NodeIndex node = snapshot.find(name);
      if (node == kNoNode || !snapshot.valid().test(node)) continue;
      if (mine.on_node[node] == 0) mine.touched.push_back(node);
      mine.on_node[node] += pods;
      const auto zone = mine.zones.find(snapshot.zone(node));
      if (zone != mine.zones.end()) mine.in_zone[zone->second] += pods;
    }
  }
};

}  // namespace

std::unique_ptr<Plugin> make_default_spread(const PluginArgs&) {
  return std::make_unique<DefaultSpread>();
}

}  // namespace keelson::scheduler
