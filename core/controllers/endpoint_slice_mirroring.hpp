// The EndpointSlice mirroring controller: Endpoints that people keep for a service without a selector
// are shown as EndpointSlices, too, since that is what proxies read.
// Source: Kubernetes pkg/controller/endpointslicemirroring.
#pragma once

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

inline constexpr const char* kMirrorManager = "endpointslicemirroring-controller.k8s.io";
// Of one subset of the Endpoints, as in Kubernetes: the rest is left out, which an Event tells.
inline constexpr int kMirroredPerSubset = 1000;

class EndpointSliceMirroringController final : public Controller {
 public:
  std::string_view name() const override { return "endpointslicemirroring"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
};

}  // namespace keelson::controllers
