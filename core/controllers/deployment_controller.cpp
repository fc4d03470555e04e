#include <algorithm>
#include <array>
#include <tuple>

#include "core/api/validation.hpp"
#include "core/controllers/deployment.hpp"
#include "core/controllers/owners.hpp"
#include "core/controllers/pod_state.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

using api::Deployment;
using api::Kind;
using api::ReplicaSet;

constexpr std::array kDeploymentReads{Kind::deployments, Kind::replica_sets, Kind::pods};

void keys_for_orphan(const View& view, const api::Object& rs, const KeySink& sink) {
  for (const auto& deployment : view.list<Deployment>(rs.ns())) {
    const auto selector = api::LabelSelectorMatcher::from(deployment->spec().selector());
    if (selector.ok() && selector->matches(rs.meta().labels())) sink(deployment.object().key());
  }
}

// Only Recreate looks at pods, and only waits for old ones to end.
void keys_for_pod(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                  const KeySink& sink) {
  if (!before) return;
  const bool ended =
      !after || (finished(after->as<api::Pod>()) && !finished(before->as<api::Pod>()));
  api::ObjectKey key;
  if (!ended || !controlled_by(*before, Kind::replica_sets, &key)) return;
  const auto rs = view.get<ReplicaSet>(key.ns, key.name);
  if (!rs || !controlled_by(rs.object(), Kind::deployments, &key)) return;
  const auto deployment = view.get<Deployment>(key.ns, key.name);
  if (deployment && deployment->spec().strategy().type() == "Recreate") sink(key);
}

// Adopts and releases ReplicaSets by the selector (as a ReplicaSet does with pods).
bool claim(const View& view, const api::Ref<Deployment>& deployment, Plan* plan) {
  // Once it is being deleted all that it owns is the garbage collector's.
  if (deployment.object().deleting()) return false;
  const auto selector = api::LabelSelectorMatcher::from(deployment->spec().selector());
  if (!selector.ok()) return false;
  for (const auto& rs : view.owned_by<ReplicaSet>(deployment.uid())) {
    if (rs.object().deleting() || selector->matches(rs->metadata().labels())) continue;
    plan->together(api::update(without_owner(rs.object(), deployment.uid())));
  }
  const LiveCheck alive{LiveCheck::Expect::present, deployment.object().key(), deployment.uid()};
  for (const auto& rs : view.select_orphans<ReplicaSet>(deployment.ns(), *selector)) {
    if (rs.object().deleting()) continue;
    plan->together(api::update(with_owner(rs.object(), controller_reference(deployment.object()))))
        .checks.push_back(alive);
  }
  return !plan->writes.empty();
}

void resolve_fenceposts(const api::DeploymentSpec& spec, Rollout* rollout) {
  if (spec.strategy().type() == "Recreate") return;
  const auto& rolling = spec.strategy().rolling_update();
  const api::IntOrString quarter = api::string_value("25%");
  const int32_t total = rollout->replicas;
  rollout->max_surge =
      api::scaled_value(rolling.has_max_surge() ? rolling.max_surge() : quarter, total, true);
  rollout->max_unavailable = api::scaled_value(
      rolling.has_max_unavailable() ? rolling.max_unavailable() : quarter, total, false);
  // Users may ask for any number; the sum of pods still has to be one.
  rollout->max_surge = std::min(rollout->max_surge, INT32_MAX - total);
  // Percentages can round to a rollout that may not move at all.
  if (rollout->max_surge == 0 && rollout->max_unavailable == 0) rollout->max_unavailable = 1;
  rollout->max_unavailable = std::min(rollout->max_unavailable, total);
}

}  // namespace

Rollout make_rollout(const View& view, const api::Ref<Deployment>& deployment,
                     TemplateMemo& templates) {
  Rollout rollout{view, deployment, view.owned_by<ReplicaSet>(deployment.uid()), {}, {}, {}};
  std::sort(rollout.all.begin(), rollout.all.end(), [](const RsRef& a, const RsRef& b) {
    return std::make_tuple(a->metadata().creation_timestamp().seconds(), std::cref(a.name())) <
           std::make_tuple(b->metadata().creation_timestamp().seconds(), std::cref(b.name()));
  });
  const api::DeploymentSpec& spec = deployment->spec();
  rollout.replicas = spec.has_replicas() ? spec.replicas() : 1;
  resolve_fenceposts(spec, &rollout);
  const std::string wanted = templates.of(deployment);
  for (const RsRef& rs : rollout.all) {
    // Several can match after a race or a change of defaults; the oldest is it, always (DP-5).
    if (!rollout.current && templates.of(rs) == wanted) {
      rollout.current = rs;
    } else {
      rollout.old.push_back(rs);
    }
  }
  return rollout;
}

DeploymentController::DeploymentController() : templates_(std::make_unique<TemplateMemo>()) {}
DeploymentController::~DeploymentController() = default;

std::span<const Kind> DeploymentController::reads() const {
  return kDeploymentReads;
}

void DeploymentController::keys_for(const View& view, const api::ObjectPtr& before,
                                    const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& object = after ? *after : *before;
  if (object.kind() == Kind::deployments) {
    sink(object.key());
    return;
  }
  if (object.kind() == Kind::pods) {
    keys_for_pod(view, before, after, sink);
    return;
  }
  api::ObjectKey owner;
  if (before && (!after || !same_owners(before->meta(), after->meta())) &&
      controlled_by(*before, Kind::deployments, &owner)) {
    sink(owner);
  }
  if (!after) return;
  if (controlled_by(*after, Kind::deployments, &owner)) {
    sink(owner);
  } else if (!controller_of(after->meta()) && !after->deleting()) {
    keys_for_orphan(view, *after, sink);
  }
}

Plan DeploymentController::reconcile(const View& view, const api::ObjectKey& key) {
  const auto deployment = view.get<Deployment>(key.ns, key.name);
  if (!deployment) {
    progress_.forget(key);
    refusals_.erase(key);
    return {};
  }
  Plan plan;
  if (claim(view, deployment, &plan)) return plan;
  Rollout rollout = make_rollout(view, deployment, *templates_);
  if (rollout.current) refusals_.erase(key);
  if (const auto refused = refusals_.find(key); refused != refusals_.end()) {
    rollout.refused = refused->second;
  }
  if (deployment.object().deleting()) {
    sync_status(rollout, StatusMode::counts_only, progress_, &plan);
    return plan;
  }
  if (sync_revision(rollout, &plan)) return plan;
  if (deployment->spec().paused() || scaled_by_user(rollout)) {
    scale_in_proportion(rollout, &plan);
    if (deployment->spec().paused()) clean_history(rollout, &plan);
    sync_status(rollout, StatusMode::counts_only, progress_, &plan);
    return plan;
  }
  if (deployment->spec().strategy().type() == "Recreate") {
    recreate(rollout, progress_, &plan);
  } else {
    roll(rollout, progress_, &plan);
  }
  return plan;
}

void DeploymentController::write_refused(const api::ObjectKey& key, const api::Request& request,
                                         const api::ApiError& error) {
  if (request.verb == api::Verb::create) refusals_[key] = {request.name, error.message};
}

}  // namespace keelson::controllers
