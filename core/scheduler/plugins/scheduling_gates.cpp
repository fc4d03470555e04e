// Pods with scheduling gates stay out of the queue until the gates are removed (KEP-3521).
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

class SchedulingGates final : public Plugin {
 public:
  std::string_view name() const override { return "SchedulingGates"; }
  Points points() const override { return only(Point::pre_enqueue); }
  EventMask wakes_on() const override {
    return EventMask::none();
  }  // only the pod's own change helps
  Verdict pre_enqueue(const PodInfo& pod) const override {
    if (!pod.gated) return Verdict::success();
    std::string gates;
    for (const auto& gate : pod.pod().spec().scheduling_gates()) {
      gates += (gates.empty() ? "" : " ") + gate.name();
    }
    return Verdict::unresolvable("waiting for scheduling gates: [" + gates + "]");
  }
};

}  // namespace

std::unique_ptr<Plugin> make_scheduling_gates(const PluginArgs&) {
  return std::make_unique<SchedulingGates>();
}

}  // namespace keelson::scheduler
