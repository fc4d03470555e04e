#include "core/controllers/replica_set.hpp"

#include <algorithm>
#include <array>

#include "core/api/canonical.hpp"
#include "core/api/json.hpp"
#include "core/controllers/owners.hpp"
#include "core/controllers/pod_state.hpp"
#include "core/controllers/victims.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;
using api::ReplicaSet;

constexpr std::array kReplicaSetReads{Kind::replica_sets, Kind::pods};

// Whether a change of a pod can change what its ReplicaSet does or reports. Most updates (IPs,
// probe times, image ids) cannot.
bool matters_to_set(const api::Object& before, const api::Object& after) {
  const auto& a = before.as<api::Pod>();
  const auto& b = after.as<api::Pod>();
  return before.uid() != after.uid() || active(a) != active(b) || ready(a) != ready(b) ||
         a.status().phase() != b.status().phase() || before.deleting() != after.deleting() ||
         a.spec().node_name() != b.spec().node_name() ||
         !same_labels(before.meta(), after.meta()) || !same_owners(before.meta(), after.meta());
}

void keys_for_pod(const View& view, const api::Object& pod, const KeySink& sink) {
  api::ObjectKey owner;
  if (controlled_by(pod, Kind::replica_sets, &owner)) {
    sink(owner);
    return;
  }
  if (controller_of(pod.meta()) || pod.deleting()) return;
  // An orphan: whoever selects it may adopt it.
  for (const auto& rs : view.list<ReplicaSet>(pod.ns())) {
    const auto selector = api::LabelSelectorMatcher::from(rs->spec().selector());
    if (selector.ok() && selector->matches(pod.meta().labels())) sink(rs.object().key());
  }
}

bool fully_labeled(const api::ReplicaSet& rs, const api::Pod& pod) {
  const auto& wanted = rs.spec().template_().metadata().labels();
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto at = pod.metadata().labels().find(label.first);
    return at != pod.metadata().labels().end() && at->second == label.second;
  });
}

// How many active pods of the same workload run on each node: of all ReplicaSets with the same
// controller, so that a Deployment's scale-down evens out its spread.
std::map<std::string, int> related_pods(const View& view, const api::Ref<ReplicaSet>& rs) {
  std::vector<api::Ref<ReplicaSet>> family{rs};
  if (const api::OwnerReference* owner = controller_of(rs->metadata())) {
    family = view.owned_by<ReplicaSet>(owner->uid());
  }
  std::map<std::string, int> per_node;
  for (const auto& member : family) {
    for (const auto& pod : view.owned_by<api::Pod>(member.uid())) {
      if (active(*pod) && !pod->spec().node_name().empty()) ++per_node[pod->spec().node_name()];
    }
  }
  return per_node;
}

// An empty reason: there is no failure.
void set_failure(std::string_view reason, const std::string& message, WallTime now,
                 api::ReplicaSetStatus* status) {
  auto* conditions = status->mutable_conditions();
  const auto at = std::find_if(conditions->begin(), conditions->end(),
                               [](const auto& c) { return c.type() == "ReplicaFailure"; });
  if (reason.empty()) {
    if (at != conditions->end()) conditions->erase(at);
    return;
  }
  if (at != conditions->end()) return;  // kept as first seen, like Kubernetes
  api::ReplicaSetCondition* condition = conditions->Add();
  condition->set_type("ReplicaFailure");
  condition->set_status("True");
  condition->set_reason(std::string(reason));
  condition->set_message(message);
  *condition->mutable_last_transition_time() = api::to_time(now);
}

api::Ref<ReplicaSet> with_status(const api::Ref<ReplicaSet>& rs, api::ReplicaSetStatus status) {
  ReplicaSet message = *rs;
  *message.mutable_status() = std::move(status);
  return api::Ref<ReplicaSet>(changed(rs, std::move(message)));
}

}  // namespace

std::span<const Kind> ReplicaSetController::reads() const {
  return kReplicaSetReads;
}

void ReplicaSetController::keys_for(const View& view, const api::ObjectPtr& before,
                                    const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& object = after ? *after : *before;
  if (object.kind() == Kind::replica_sets) {
    sink(object.key());
    return;
  }
  if (before && after && !matters_to_set(*before, *after)) return;
  if (before && (!after || !same_owners(before->meta(), after->meta()))) {
    api::ObjectKey owner;
    if (controlled_by(*before, Kind::replica_sets, &owner)) sink(owner);
  }
  // An orphan's readiness concerns nobody; its labels do.
  const bool known = before && after && same_labels(before->meta(), after->meta()) &&
                     same_owners(before->meta(), after->meta());
  if (after && (!known || controller_of(after->meta()))) keys_for_pod(view, *after, sink);
}

Plan ReplicaSetController::reconcile(const View& view, const api::ObjectKey& key) {
  const auto rs = view.get<ReplicaSet>(key.ns, key.name);
  if (!rs) {
    ready_since_.forget(key);
    refusals_.erase(key);
    return {};
  }
  Plan plan;
  const auto selector = api::LabelSelectorMatcher::from(rs->spec().selector());
  if (!selector.ok()) return plan;  // validation refuses such; nothing sensible can be done here
  Pods owned = view.owned_by<api::Pod>(rs.uid());
  const bool deleting = rs.object().deleting();
  // The next reconcile counts what was adopted and released: this one only claims.
  if (claim(view, rs, *selector, owned, &plan)) return plan;

  Pods pods;
  pods.reserve(owned.size());
  for (auto& pod : owned) {
    if (active(*pod)) pods.push_back(std::move(pod));
  }
  const int wanted = rs->spec().has_replicas() ? rs->spec().replicas() : 1;
  const int missing = deleting ? 0 : wanted - static_cast<int>(pods.size());
  api::ReplicaSetStatus now = status(view, rs, pods, missing, &plan);
  if (!api::same(now, rs->status())) {
    plan.together(api::update_status(with_status(rs, std::move(now)).ptr()));
  }
  if (missing > 0) create(rs, std::min(missing, kBurst), &plan);
  if (missing < 0) remove(view, rs, pods, std::min(-missing, kBurst), &plan);
  // Only the count of pods that come and go can wait, not the rest of a burst.
  if (missing == 0) plan.rest = rest_after(owned.size());
  return plan;
}

// Takes in orphans that the selector matches and lets go of pods that it matches no more (RS-4).
bool ReplicaSetController::claim(const View& view, const api::Ref<ReplicaSet>& rs,
                                 const api::LabelSelectorMatcher& selector, const Pods& owned,
                                 Plan* plan) const {
  // Once it is being deleted its pods are the garbage collector's, also those that it would have
  // let go: released now, they would escape a deletion that was to take them along.
  if (rs.object().deleting()) return false;
  for (const auto& pod : owned) {
    if (pod.object().deleting() || selector.matches(pod->metadata().labels())) continue;
    plan->together(api::update(without_owner(pod.object(), rs.uid())));
  }
  const LiveCheck alive{LiveCheck::Expect::present, rs.object().key(), rs.uid()};
  for (const auto& pod : view.select_orphans<api::Pod>(rs.ns(), selector)) {
    if (!active(*pod)) continue;
    plan->together(api::update(with_owner(pod.object(), controller_reference(rs.object()))))
        .checks.push_back(alive);
  }
  return !plan->writes.empty();
}

// In batches of 1, 2, 4, ...: a ReplicaSet whose pods are refused (a quota, an admission rule) asks
// once per attempt instead of hundreds of times. Source: Kubernetes' slowStartBatch.
void ReplicaSetController::create(const api::Ref<ReplicaSet>& rs, int count, Plan* plan) const {
  const api::PodTemplateSpec& source = rs->spec().template_();
  api::Pod pod;
  api::ObjectMeta& meta = *pod.mutable_metadata();
  meta.set_generate_name(rs.name() + "-");
  meta.set_namespace_(rs.ns());
  *meta.mutable_labels() = source.metadata().labels();
  *meta.mutable_annotations() = source.metadata().annotations();
  *meta.mutable_finalizers() = source.metadata().finalizers();
  *meta.add_owner_references() = controller_reference(rs.object());
  *pod.mutable_spec() = source.spec();
  const api::ObjectPtr body = api::make_object(std::move(pod));

  uint32_t stage = plan->writes.empty() ? 0 : plan->writes.back().stage;
  for (int batch = 1, left = count; left > 0; batch *= 2, ++stage) {
    const int size = std::min(batch, left);
    left -= size;
    for (int i = 0; i < size; ++i) {
      PlannedWrite& write = plan->add(api::create(body), stage);
      write.on_success = {rs.ptr(), false, "SuccessfulCreate", "Created pod: {}"};
      write.on_failure = {rs.ptr(), true, "FailedCreate", "Error creating: {}"};
    }
  }
}

void ReplicaSetController::remove(const View& view, const api::Ref<ReplicaSet>& rs,
                                  const Pods& pods, int count, Plan* plan) const {
  const auto number = static_cast<std::size_t>(count);
  std::map<std::string, int> related;
  if (number < pods.size()) related = related_pods(view, rs);
  for (const auto& pod : choose_victims(pods, number, related)) {
    PlannedWrite& write = plan->together(api::remove(pod.object()));
    write.on_success = {rs.ptr(), false, "SuccessfulDelete", "Deleted pod: {}"};
    write.on_failure = {rs.ptr(), true, "FailedDelete", "Error deleting: {}"};
  }
}

api::ReplicaSetStatus ReplicaSetController::status(const View& view, const api::Ref<ReplicaSet>& rs,
                                                   const Pods& pods, int missing, Plan* plan) {
  const Duration min_ready = std::chrono::seconds(rs->spec().min_ready_seconds());
  std::vector<Duration> ready_for;
  if (min_ready > Duration::zero()) {
    ready_for = ready_since_.observe(view, rs.object().key(), pods);
  } else {
    ready_since_.forget(rs.object().key());
  }
  int labeled = 0, ready_pods = 0, available = 0;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (fully_labeled(*rs, *pods[i])) ++labeled;
    if (!ready(*pods[i])) continue;
    ++ready_pods;
    if (min_ready <= Duration::zero() || ready_for[i] >= min_ready) {
      ++available;
      continue;
    }
    const Duration left = min_ready - ready_for[i];
    if (plan->requeue_after == Duration::zero() || left < plan->requeue_after) {
      plan->requeue_after = left;
    }
  }
  const api::ObjectKey key = rs.object().key();
  // A refusal is over when what it refused is no longer wanted.
  auto refused = refusals_.find(key);
  if (refused != refusals_.end() && (refused->second.create ? missing <= 0 : missing >= 0)) {
    refusals_.erase(refused);
    refused = refusals_.end();
  }
  api::ReplicaSetStatus now = rs->status();
  now.set_replicas(static_cast<int32_t>(pods.size()));
  now.set_fully_labeled_replicas(labeled);
  now.set_ready_replicas(ready_pods);
  now.set_available_replicas(available);
  now.set_observed_generation(rs->metadata().generation());
  if (refused == refusals_.end()) {
    set_failure({}, {}, view.wall_now(), &now);
  } else {
    set_failure(refused->second.create ? "FailedCreate" : "FailedDelete", refused->second.message,
                view.wall_now(), &now);
  }
  return now;
}

void ReplicaSetController::write_refused(const api::ObjectKey& key, const api::Request& request,
                                         const api::ApiError& error) {
  const bool create = request.verb == api::Verb::create;
  if (create || request.verb == api::Verb::remove) refusals_[key] = {create, error.message};
}

void ReplicaSetController::reset() {
  ready_since_.clear();
  refusals_.clear();
}

}  // namespace keelson::controllers
