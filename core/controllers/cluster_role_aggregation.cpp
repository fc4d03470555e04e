#include "core/controllers/cluster_role_aggregation.hpp"

#include <array>

#include "core/api/aggregation.hpp"
#include "core/api/canonical.hpp"
#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::ClusterRole;
using api::Kind;

constexpr std::array kClusterRoleAggregationReads{Kind::cluster_roles};

std::vector<const ClusterRole*> all_roles(const View& view) {
  std::vector<const ClusterRole*> roles;
  view.visit(Kind::cluster_roles, {}, [&](const api::ObjectPtr& object) {
    roles.push_back(&object->as<ClusterRole>());
    return true;
  });
  return roles;
}

}  // namespace

std::span<const Kind> ClusterRoleAggregationController::reads() const { return kClusterRoleAggregationReads; }

// There are few that collect, and each may collect from any.
void ClusterRoleAggregationController::keys_for(const View& view, const api::ObjectPtr& /*before*/,
                                                const api::ObjectPtr& /*after*/,
                                                const KeySink& sink) const {
  for (const ClusterRole* role : all_roles(view)) {
    if (role->has_aggregation_rule()) {
      sink({Kind::cluster_roles, {}, role->metadata().name()});
    }
  }
}

Plan ClusterRoleAggregationController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto role = view.get<ClusterRole>({}, key.name);
  if (!role || role.object().deleting() || !role->has_aggregation_rule()) return plan;
  ClusterRole now = *role;
  *now.mutable_rules() = api::effective_rules(*role, all_roles(view));
  if (!api::same(now, *role)) plan.then(api::update(changed(role, std::move(now))));
  return plan;
}

}  // namespace keelson::controllers
