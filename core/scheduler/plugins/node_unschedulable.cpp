// Cordoned nodes take only pods that tolerate node.kubernetes.io/unschedulable.
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

class NodeUnschedulable final : public Plugin {
 public:
  std::string_view name() const override { return "NodeUnschedulable"; }
  Points points() const override { return only(Point::filter); }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override { return events::node_added | events::node_unschedulable; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    return !snapshot.cordoned().test(node) || tolerates(pod, snapshot);
  }
  void filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    if (!feasible.intersects(snapshot.cordoned()) || tolerates(pod, snapshot)) return;
    const auto why = diagnosis.reason("node(s) were unschedulable");
    feasible.keep_if(
        [&](NodeIndex node) {
          diagnosis.count(why);
          diagnosis.mark_unresolvable(node);
          return false;
        },
        &snapshot.cordoned());
  }

 private:
  static bool tolerates(const PodInfo& pod, const Snapshot& snapshot) {
    const NameId key = snapshot.words().find("node.kubernetes.io/unschedulable");
    // If nobody ever used the word, only a toleration of every key can cover it.
    return std::any_of(pod.tolerations.begin(), pod.tolerations.end(), [&](const Toleration& t) {
      return (t.any_key || (key != 0 && t.key == key)) && (t.any_value || t.value == 0) &&
             (t.effect == Effect::any || t.effect == Effect::no_schedule);
    });
  }
};

}  // namespace

std::unique_ptr<Plugin> make_node_unschedulable(const PluginArgs&) {
  return std::make_unique<NodeUnschedulable>();
}

}  // namespace keelson::scheduler
