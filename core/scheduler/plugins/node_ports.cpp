// Host ports are taken once per node, protocol and address.
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

bool clash(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) {
  for (const HostPort& taken : snapshot.host_ports(node)) {
    for (const HostPort& wanted : pod.host_ports) {
      if (wanted.conflicts(taken)) return true;
    }
  }
  return false;
}

class NodePorts final : public Plugin {
 public:
  std::string_view name() const override { return "NodePorts"; }
  Points points() const override { return Point::pre_filter | Point::filter; }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override { return events::node_added | events::pod_removed; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    return !clash(pod, snapshot, node);
  }
  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot&, NodeBitset&) const override {
    return pod.host_ports.empty() ? Verdict::skip() : Verdict::success();
  }
  void filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    if (!feasible.intersects(snapshot.with_host_ports())) return;
    const auto why = diagnosis.reason("node(s) didn't have free ports for the requested pod ports");
    feasible.keep_if(
        [&](NodeIndex node) {
          if (!clash(pod, snapshot, node)) return true;
          diagnosis.count(why);
          return false;
        },
        &snapshot.with_host_ports());
  }
};

}  // namespace

std::unique_ptr<Plugin> make_node_ports(const PluginArgs&) {
  return std::make_unique<NodePorts>();
}

}  // namespace keelson::scheduler
