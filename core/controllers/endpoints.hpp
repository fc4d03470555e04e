// The Endpoints controller: one Endpoints object per service with a selector, the older form of
// what EndpointSlices say.
// Source: Kubernetes pkg/controller/endpoint; guarantees EP-1, EP-2.
#pragma once

#include "core/controllers/controller.hpp"
#include "core/controllers/endpoint_pods.hpp"

namespace keelson::controllers {

class EndpointsController final : public Controller {
 public:
  std::string_view name() const override { return "endpoints"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void reset() override { index_.clear(); }

 private:
  mutable ServiceIndex index_;
};

// What the Endpoints of a service should contain (pure; exposed for tests).
struct DesiredEndpoints {
  google::protobuf::RepeatedPtrField<api::EndpointSubset> subsets;
  bool truncated = false;  // more than 1000 addresses
  std::size_t pods = 0;    // looked at
};
DesiredEndpoints desired_endpoints(const View& view, const api::Service& service);

}  // namespace keelson::controllers
