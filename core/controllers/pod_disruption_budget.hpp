// Says how many pods of a budget may be evicted now. Guarantees PD-1..PD-4: the API server grants
// an eviction only against this number, which is computed anew from the view each time, never
// carried over a conflict (k8s#82149), and is zero whenever it cannot be computed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class PodDisruptionBudgetController final : public Controller {
 public:
  std::string_view name() const override { return "disruption"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void reset() override { granted_.clear(); }

  // A pod whose eviction was granted must be on its way out after this long, else it counts as
  // healthy again. Source: Kubernetes' DeletionTimeout.
  static constexpr Duration kGrantTimeout = 2min;

 private:
  struct Grant {
    int64_t stamp = 0;  // the server's time, to tell a new grant from an old one
    Instant seen;       // expiry counts from here, by our own clock
  };
  using Grants = std::map<std::string, Grant>;  // by pod name
  std::set<std::string> outstanding(const View& view,
                                    const api::Ref<api::PodDisruptionBudget>& budget,
                                    const std::vector<api::Ref<api::Pod>>& pods, Plan* plan);

  std::map<api::ObjectKey, Grants> granted_;
};

}  // namespace keelson::controllers
