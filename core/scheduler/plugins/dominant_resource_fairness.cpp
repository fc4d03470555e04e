// A queue that is fair between namespaces: next is a pod of the namespace whose dominant share is the
// smallest, that is, whose largest part of any one resource of the cluster is. A namespace that asks for
// much of one resource so cannot starve one that asks for little of another. Priorities come first, as
// in PrioritySort, which this replaces; within a namespace pods keep PrioritySort's order.
// Source: Ghodsi et al., "Dominant Resource Fairness" (NSDI 2011), progressive filling.
#include <algorithm>

#include "core/scheduler/cache/namespace_usage.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/queue/queued_pod.hpp"

namespace keelson::scheduler {
namespace {

// The share of a namespace, 0 to 1. How many pods a node may have is no resource that anybody wants
// more of.
double dominant_share(const std::string& ns, const Snapshot& snapshot) {
  const auto used = snapshot.usage().of(ns);
  double share = 0;
  for (ResourceId id = 0; id < used.size(); ++id) {
    const uint64_t total = snapshot.resource(id).total_allocatable;
    if (id == kPods || used[id] <= 0 || total == 0) continue;
    share = std::max(share, static_cast<double>(used[id]) / static_cast<double>(total));
  }
  return share;
}

class DominantResourceFairness final : public Plugin {
 public:
  std::string_view name() const override { return "DominantResourceFairness"; }
  Points points() const override { return only(Point::queue_sort); }
  EventMask wakes_on() const override { return EventMask::none(); }

  bool less(const QueuedPod& a, const QueuedPod& b) const override { return ahead(a, b); }
  std::string_view lane(const PodInfo& pod) const override { return pod.ns(); }
  bool lane_before(const QueuedPod& a, const QueuedPod& b,
                   const Snapshot& snapshot) const override {
    if (a.info->priority != b.info->priority) return a.info->priority > b.info->priority;
    const double share_a = dominant_share(a.info->ns(), snapshot);
    const double share_b = dominant_share(b.info->ns(), snapshot);
    return share_a != share_b ? share_a < share_b : less(a, b);
  }
};

}  // namespace

std::unique_ptr<Plugin> make_dominant_resource_fairness(const PluginArgs&) {
  return std::make_unique<DominantResourceFairness>();
}

}  // namespace keelson::scheduler
