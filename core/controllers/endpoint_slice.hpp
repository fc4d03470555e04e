// The EndpointSlice controller: the addresses behind each service in slices of at most 100, packed
// so that a change of one pod writes one slice.
// Source: Kubernetes staging/src/k8s.io/endpointslice (reconciler.go), KEP-752, KEP-1672;
// guarantees EP-1..EP-3.
#pragma once

#include "core/controllers/controller.hpp"
#include "core/controllers/endpoint_pods.hpp"

namespace keelson::controllers {

inline constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr const char* kSliceManagedByLabel = "endpointslice.kubernetes.io/managed-by";
inline constexpr const char* kSliceManager = "endpointslice-controller.k8s.io";
inline constexpr int kSliceCapacity = 100;

class EndpointSliceController final : public Controller {
 public:
  std::string_view name() const override { return "endpointslice"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void reset() override { index_.clear(); }

 private:
  mutable ServiceIndex index_;
};

}  // namespace keelson::controllers
