// The node must have room for what the pod requests; score by how much is left (LeastAllocated, the
// default: spreads), how little (MostAllocated: packs), or by any function of the share in use that
// is linear between given points (RequestedToCapacityRatio).
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/plugins/scores.hpp"

namespace keelson::scheduler {
namespace {

// Linear between the points, constant beyond them; 0..100. Source: helper.BuildBrokenLinearFunction
// of kube-scheduler, which divides in the same places.
int32_t score_at(const std::vector<UtilizationShapePoint>& shape, int32_t utilization) {
  constexpr int32_t kScale = kMaxNodeScore / kMaxShapeScore;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const UtilizationShapePoint& right = shape[i];
    if (utilization > right.utilization) continue;
    if (i == 0) return right.score * kScale;
    const UtilizationShapePoint& left = shape[i - 1];
    return left.score * kScale + (right.score - left.score) * kScale *
                                     (utilization - left.utilization) /
                                     (right.utilization - left.utilization);
  }
  return shape.empty() ? 0 : shape.back().score * kScale;
}

struct FitState final : CycleState::Data {
  // What is checked for this pod: resource and amount, pods (count) not among them.
  std::vector<std::pair<ResourceId, int64_t>> wanted;
  std::vector<int64_t> sums, weights;
  NodeBitset failed;
};

class NodeResourcesFit final : public Plugin {
 public:
  explicit NodeResourcesFit(NodeResourcesFitArgs args)
      : strategy_(std::move(args.scoring)),
        ignored_(std::move(args.ignored_resources)),
        ignored_groups_(std::move(args.ignored_resource_groups)) {}
  std::string_view name() const override { return "NodeResourcesFit"; }
  Points points() const override { return Point::pre_filter | Point::filter | Point::score; }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override {
    return events::node_added | events::node_allocatable | events::pod_removed;
  }
  // Room that preemption could make counts too: preemption has no events of its own, because its
  // answer changes with that of the filters.
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    if (!short_of(pod, snapshot, [&](ResourceId id) { return free(snapshot, id, node); })) {
      return true;
    }
    if (pod.preemption_policy == PreemptionPolicy::never ||
        snapshot.lowest_priority() >= pod.priority) {
      return false;
    }
    return !short_of(pod, snapshot, [&](ResourceId id) {
      return free(snapshot, id, node) + preemptible(pod, snapshot, id, node);
    });
  }

  Verdict pre_filter(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                     NodeBitset&) const override {
    auto& wanted = state.of<FitState>(slot()).wanted;
    wanted.clear();
    for (ResourceId id = 0; id < kPods; ++id) {
      if (pod.requests[id] > 0) wanted.emplace_back(id, pod.requests[id]);
    }
    for (const auto& [id, amount] : pod.extended) {
      if (!ignored(snapshot, id)) wanted.emplace_back(id, amount);
    }
    return Verdict::success();
  }

  void filter(CycleState& state, const PodInfo&, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    const auto& wanted = state.of<FitState>(slot()).wanted;
    // Resource by resource, so that each loop runs over two arrays; a node that fails in one place
    // is looked at in full afterwards, because all its reasons are counted.
    NodeBitset& failed = state.of<FitState>(slot()).failed;
    failed = feasible;
    const ResourceColumn& pods = snapshot.resource(kPods);
    feasible.keep_if([&](NodeIndex n) { return pods.requested[n] < pods.allocatable[n]; });
    for (const auto& [id, amount] : wanted) {
      const ResourceColumn& c = snapshot.resource(id);
      if (c.allocatable.size() < snapshot.slots()) {
        feasible.clear();  // no node has any
        break;
      }
      const int64_t* allocatable = c.allocatable.data();
      const int64_t* requested = c.requested.data();
      feasible.keep_if(
          [&, amount = amount](NodeIndex n) { return amount <= allocatable[n] - requested[n]; });
    }
    failed.subtract(feasible);
    if (!failed.none()) explain(wanted, snapshot, failed, diagnosis);
  }

  void score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    auto& mine = state.of<FitState>(slot());
    mine.sums.assign(nodes.size(), 0);
    mine.weights.assign(nodes.size(), 0);
    for (const ResourceWeight& scored : strategy_.resources) {
      if (scored.name == "cpu") {
        add_scores(mine, snapshot.resource(kCpu).allocatable, snapshot.nonzero_cpu(),
                   pod.nonzero_cpu, scored.weight, nodes);
      } else if (scored.name == "memory") {
        add_scores(mine, snapshot.resource(kMemory).allocatable, snapshot.nonzero_memory(),
                   pod.nonzero_memory, scored.weight, nodes);
      } else {
        add_other(mine, pod, snapshot, scored, nodes);
      }
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int64_t weight = mine.weights[i];
      const int64_t half = by_shape() ? weight / 2 : 0;  // rounded to the nearest, as there
      scores[i] = weight == 0 ? 0 : static_cast<int32_t>((mine.sums[i] + half) / weight);
    }
  }

 private:
  static int64_t free(const Snapshot& snapshot, ResourceId id, NodeIndex node) {
    const ResourceColumn& c = snapshot.resource(id);
    return node < c.allocatable.size() ? c.allocatable[node] - c.requested[node] : 0;
  }

  // True if something that the pod requests exceeds what there is of it.
  template <class There>
  bool short_of(const PodInfo& pod, const Snapshot& snapshot, There there) const {
    for (ResourceId id = 0; id < kFirstExtended; ++id) {
      if (pod.requests[id] > 0 && pod.requests[id] > there(id)) return true;
    }
    for (const auto& [id, amount] : pod.extended) {
      if (!ignored(snapshot, id) && amount > there(id)) return true;
    }
    return false;
  }

  // What the pods of lower priority hold, without those that are leaving already: a pod that waits
  // for its victims is to be woken when the last of them is gone, not by each.
  static int64_t preemptible(const PodInfo& pod, const Snapshot& snapshot, ResourceId id,
                             NodeIndex node) {
    int64_t sum = 0;
    for (const PodInfoPtr& other : snapshot.pods(node)) {
      if (other->priority >= pod.priority || other->deleting()) continue;
      if (id < kFirstExtended) {
        sum += other->requests[id];
        continue;
      }
      for (const auto& [held, amount] : other->extended) sum += held == id ? amount : 0;
    }
    return sum;
  }

  bool ignored(const Snapshot& snapshot, ResourceId id) const {
    if (ignored_.empty() && ignored_groups_.empty()) return false;
    const std::string& name = snapshot.words().resource_name(id);
    if (std::find(ignored_.begin(), ignored_.end(), name) != ignored_.end()) return true;
    const std::string group = name.substr(0, name.find('/'));
    return std::find(ignored_groups_.begin(), ignored_groups_.end(), group) !=
           ignored_groups_.end();
  }

  static void explain(const std::vector<std::pair<ResourceId, int64_t>>& wanted,
                      const Snapshot& snapshot, const NodeBitset& failed, Diagnosis& diagnosis) {
    const ResourceColumn& pods = snapshot.resource(kPods);
    uint32_t full = 0;
    failed.for_each([&](NodeIndex n) { full += pods.requested[n] >= pods.allocatable[n]; });
    if (full > 0) diagnosis.count(diagnosis.reason("Too many pods"), full);
    for (const auto& [id, amount] : wanted) {
      uint32_t short_of = 0;
      const ResourceColumn& c = snapshot.resource(id);
      failed.for_each([&, id = id, amount = amount](NodeIndex n) {
        if (amount <= free(snapshot, id, n)) return;
        ++short_of;
        // More than the node has at all: no preemption can help.
        if (n >= c.allocatable.size() || amount > c.allocatable[n]) diagnosis.mark_unresolvable(n);
      });
      if (short_of == 0) continue;
      diagnosis.count(diagnosis.reason("Insufficient " + snapshot.words().resource_name(id)),
                      short_of);
    }
  }

  bool by_shape() const {
    return strategy_.type == ScoringStrategy::Type::requested_to_capacity_ratio;
  }

  int32_t one(int64_t requested, int64_t allocatable) const {
    if (strategy_.type == ScoringStrategy::Type::least_allocated) {
      return requested > allocatable ? 0 : percent(allocatable - requested, allocatable);
    }
    const int32_t used = percent(std::min(requested, allocatable), allocatable);
    return by_shape() ? score_at(strategy_.shape, used) : used;
  }

  void add_scores(FitState& mine, std::span<const int64_t> allocatable,
                  std::span<const int64_t> requested, int64_t amount, int32_t weight,
                  std::span<const NodeIndex> nodes) const {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int64_t whole = allocatable[nodes[i]];
      if (whole <= 0) continue;  // a node without the resource is not judged by it
      const int32_t score = one(requested[nodes[i]] + amount, whole);
      if (score == 0 && by_shape()) continue;  // there, zero means no opinion
      mine.sums[i] += int64_t{weight} * score;
      mine.weights[i] += weight;
    }
  }

  // Ephemeral storage and extended resources: only for pods that request them.
  void add_other(FitState& mine, const PodInfo& pod, const Snapshot& snapshot,
                 const ResourceWeight& scored, std::span<const NodeIndex> nodes) const {
    if (scored.name == "ephemeral-storage") {
      const ResourceColumn& c = snapshot.resource(kEphemeralStorage);
      add_scores(mine, c.allocatable, c.requested, pod.requests[kEphemeralStorage], scored.weight,
                 nodes);
      return;
    }
    for (const auto& [id, amount] : pod.extended) {
      const ResourceColumn& c = snapshot.resource(id);
      if (snapshot.words().resource_name(id) != scored.name || c.allocatable.empty()) continue;
      add_scores(mine, c.allocatable, c.requested, amount, scored.weight, nodes);
    }
  }

  ScoringStrategy strategy_;
  std::vector<std::string> ignored_, ignored_groups_;
};

}  // namespace

std::unique_ptr<Plugin> make_node_resources_fit(const PluginArgs& args) {
  return std::make_unique<NodeResourcesFit>(args.node_resources_fit);
}

}  // namespace keelson::scheduler
