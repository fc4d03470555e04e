// Pods of higher priority first; among equals the one that has waited longer.
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/queue/queued_pod.hpp"

namespace keelson::scheduler {
namespace {

class PrioritySort final : public Plugin {
 public:
  std::string_view name() const override { return "PrioritySort"; }
  Points points() const override { return only(Point::queue_sort); }
  EventMask wakes_on() const override { return EventMask::none(); }
  bool less(const QueuedPod& a, const QueuedPod& b) const override { return ahead(a, b); }
};

}  // namespace

std::unique_ptr<Plugin> make_priority_sort(const PluginArgs&) {
  return std::make_unique<PrioritySort>();
}

}  // namespace keelson::scheduler
