// Prefers nodes on which the shares of the resources in use lie close together, so that no resource
// runs out while others are idle. The score is 100 less the standard deviation of the shares.
// Source: Wei Huang et al., "An Energy Efficient Virtual Machine Placement Algorithm with Balanced
// Resource Utilization", as in kube-scheduler's plugin of this name.
#include <boost/container/small_vector.hpp>
#include <cmath>

#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/plugins/scores.hpp"

namespace keelson::scheduler {
namespace {

// In doubles and in this order of operations, as there: integers would often give one more where
// the exact result is a whole number. IEEE 754 leaves no choice for any of the operations (the root
// included), so the scores are the same everywhere.
double share(int64_t requested, int64_t allocatable) {
  return std::min(static_cast<double>(requested) / static_cast<double>(allocatable), 1.0);
}

double deviation(std::span<const double> shares) {
  if (shares.size() < 2) return 0;
  if (shares.size() == 2) return std::abs((shares[0] - shares[1]) / 2);
  double sum = 0, squares = 0;
  for (const double s : shares) sum += s;
  const double mean = sum / static_cast<double>(shares.size());
  for (const double s : shares) squares += (s - mean) * (s - mean);
  return std::sqrt(squares / static_cast<double>(shares.size()));
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
    boost::container::small_vector<double, 8> shares;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      shares.clear();
      for (const auto& [id, amount] : wanted) {
        const ResourceColumn& c = snapshot.resource(id);
        if (c.allocatable.size() < snapshot.slots()) continue;
        const int64_t whole = c.allocatable[nodes[i]];
        if (whole > 0) shares.push_back(share(c.requested[nodes[i]] + amount, whole));
      }
      scores[i] = static_cast<int32_t>((1 - deviation({shares.data(), shares.size()})) *
                                       kMaxNodeScore);
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
  std::vector<std::string> balanced_;
};

}  // namespace

std::unique_ptr<Plugin> make_node_resources_balanced_allocation(const PluginArgs& args) {
  return std::make_unique<NodeResourcesBalancedAllocation>(args);
}

}  // namespace keelson::scheduler
