// Writes into cluster roles with an aggregationRule the rules that they collect from others, for
// clients to read. Access control works them out by itself and does not wait for this.
// Source: Kubernetes pkg/controller/clusterroleaggregation.
#pragma once

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class ClusterRoleAggregationController final : public Controller {
 public:
  std::string_view name() const override { return "cluster-role-aggregation"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
};

}  // namespace keelson::controllers
