// A pod that names its node fits that node only. Such pods do not normally come to the scheduler;
// they do when the node is named in a pod that is simulated or nominated by hand.
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

class NodeName final : public Plugin {
 public:
  std::string_view name() const override { return "NodeName"; }
  Points points() const override { return Point::pre_filter | Point::filter; }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override { return events::node_added; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    return pod.node_name == 0 || snapshot.name(node) == pod.node_name;
  }
  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot&, NodeBitset&) const override {
    return pod.node_name == 0 ? Verdict::skip() : Verdict::success();
  }
  void filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    const auto why = diagnosis.reason("node(s) didn't match the requested node name");
    feasible.keep_if([&](NodeIndex node) {
      if (snapshot.name(node) == pod.node_name) return true;
      diagnosis.count(why);
      diagnosis.mark_unresolvable(node);
      return false;
    });
  }
};

}  // namespace

std::unique_ptr<Plugin> make_node_name(const PluginArgs&) {
  return std::make_unique<NodeName>();
}

}  // namespace keelson::scheduler
