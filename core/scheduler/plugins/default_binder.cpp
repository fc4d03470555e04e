// Binds through the API's binding subresource. The uid that was scored goes along, so that a
// verdict about one pod never binds its successor of the same name (GUARANTEES SC-3).
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

class DefaultBinder final : public Plugin {
 public:
  std::string_view name() const override { return "DefaultBinder"; }
  Points points() const override { return only(Point::bind); }
  EventMask wakes_on() const override { return EventMask::none(); }
  std::optional<api::Request> bind(const BindTarget& target) override {
    auto binding = std::make_shared<api::Binding>();
    const PodInfo& pod = *target.pod;
    binding->mutable_metadata()->set_name(pod.name());
    binding->mutable_metadata()->set_namespace_(pod.ns());
    binding->mutable_metadata()->set_uid(pod.uid());
    if (!pod.devices.empty()) {
      // In the same transaction: a bound pod's devices are known, whoever comes next.
      (*binding->mutable_metadata()->mutable_annotations())[api::kGpuDevicesAnnotation] =
          api::to_string(pod.devices);
    }
    binding->mutable_target()->set_kind("Node");
    binding->mutable_target()->set_name(target.node);
    api::Request request;
    request.verb = api::Verb::create;
    request.kind = api::Kind::pods;
    request.subresource = api::Subresource::binding;
    request.ns = pod.ns();
    request.name = pod.name();
    request.body = std::move(binding);
    request.expected.uid = pod.uid();
    return request;
  }
};

}  // namespace

std::unique_ptr<Plugin> make_default_binder(const PluginArgs&) {
  return std::make_unique<DefaultBinder>();
}

}  // namespace keelson::scheduler
