// Prefers nodes on which the shares of the resources in use lie close together, so that no resource
// runs out while others are idle. The score is 100 less the standard deviation of the shares.
// Source: Wei Huang et al., "An Energy Efficient Virtual Machine Placement Algorithm with Balanced
// Resource Utilization", as in kube-scheduler's plugin of this name.
#include <boost/container/small_vector.hpp>

#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/plugins/scores.hpp"

namespace keelson::scheduler {
namespace {

// Shares are fixed-point numbers with this many parts.
constexpr int64_t kOne = 1'000'000;

int64_t share(int64_t requested, int64_t allocatable) {
  if (requested >= allocatable) return kOne;
  while (allocatable >= int64_t{1} << 43) {  // keeps requested * kOne within int64
    requested >>= 1;
    allocatable >>= 1;
  }
  return requested * kOne / allocatable;
}

int64_t integer_root(int64_t square) {
  int64_t low = 0, high = kOne + 1;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (middle * middle <= square ? low : high) = middle;
  }
  return low;
}

class NodeResourcesBalancedAllocation final : public Plugin {
 public:
  explicit NodeResourcesBalancedAllocation(const PluginArgs& args)
      : balanced_(args.node_resources_balanced_allocation.resources) {}
  std::string_view name() const override { return "NodeResourcesBalancedAllocation"; }
  Points points() const override { return Point::pre_score | Point::score; }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override { return EventMask::none(); }
  Verdict pre_score(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                    std::span<const NodeIndex>) const override {
    // A pod that requests nothing cannot change any balance.
    for (const auto& [id, amount] : resources(pod, snapshot)) {
      if (amount > 0) return Verdict::success();
    }
    return Verdict::skip();
  }
  void score(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    const auto wanted = resources(pod, snapshot);
    boost::container::small_vector<int64_t, 8> shares;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      shares.clear();
      for (const auto& [id, amount] : wanted) {
        const ResourceColumn& c = snapshot.resource(id);
        if (c.allocatable.size() < snapshot.slots()) continue;
        const int64_t whole = c.allocatable[nodes[i]];
        if (whole > 0) shares.push_back(share(c.requested[nodes[i]] + amount, whole));
      }
      scores[i] = static_cast<int32_t>((kOne - deviation({shares.data(), shares.size()})) *
                                       kMaxNodeScore / kOne);
    }
  }

 private:
  using Wanted = boost::container::small_vector<std::pair<ResourceId, int64_t>, 8>;
  Wanted resources(const PodInfo& pod, const Snapshot& snapshot) const {
    Wanted list;
    for (const std::string& name : balanced_) {
      for (ResourceId id = 0; id < kPods; ++id) {
        if (snapshot.words().resource_name(id) == name) list.emplace_back(id, pod.requests[id]);
      }
      // Extended resources count only for pods that use them.
      for (const auto& [id, amount] : pod.extended) {
        if (snapshot.words().resource_name(id) == name) list.emplace_back(id, amount);
      }
    }
    return list;
  }
  static int64_t deviation(std::span<const int64_t> shares) {
    if (shares.size() < 2) return 0;
    if (shares.size() == 2) {
      return (std::max(shares[0], shares[1]) - std::min(shares[0], shares[1])) / 2;
    }
    int64_t mean = 0;
    for (const int64_t s : shares) mean += s;
    mean /= static_cast<int64_t>(shares.size());
    int64_t square = 0;
    for (const int64_t s : shares) square += (s - mean) * (s - mean);
    return integer_root(square / static_cast<int64_t>(shares.size()));
  }
  std::vector<std::string> balanced_;
};

}  // namespace

std::unique_ptr<Plugin> make_node_resources_balanced_allocation(const PluginArgs& args) {
  return std::make_unique<NodeResourcesBalancedAllocation>(args);
}

}  // namespace keelson::scheduler
