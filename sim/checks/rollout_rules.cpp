#include "sim/checks/rollout_rules.hpp"

#include <algorithm>
#include <charconv>

#include "core/api/canonical.hpp"
#include "core/api/validation.hpp"

namespace keelson::sim {

namespace {

constexpr const char* kHashLabel = "pod-template-hash";

const api::OwnerReference& controlled_as(const api::Object& object, std::string_view kind) {
  for (const auto& owner : object.meta().owner_references()) {
    if (owner.controller() && owner.kind() == kind) return owner;
  }
  return api::OwnerReference::default_instance();
}

uint64_t hash_of(api::PodTemplateSpec pod_template) {
  pod_template.mutable_metadata()->mutable_labels()->erase(kHashLabel);
  return hash_bytes(api::canonical_bytes(pod_template));
}

}  // namespace

const api::Basis* basis_of(const store::StoreEvent& event) {
  return event.provenance ? event.provenance->basis.get() : nullptr;
}

bool serving(const api::ObjectPtr& pod) {
  return pod != nullptr && active(pod->as<api::Pod>()) && ready(pod->as<api::Pod>());
}

const api::OwnerReference& controlling_set(const api::Object& pod) {
  return controlled_as(pod, "ReplicaSet");
}

const api::OwnerReference& controlling_deployment(const api::Object& rs) {
  return controlled_as(rs, "Deployment");
}

std::optional<int64_t> number_annotation(const api::ObjectMeta& meta, const char* name) {
  const auto it = meta.annotations().find(name);
  if (it == meta.annotations().end()) return std::nullopt;
  int64_t value = 0;
  const char* end = it->second.data() + it->second.size();
  const auto [rest, error] = std::from_chars(it->second.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

Bounds bounds_of(const api::Deployment& deployment) {
  Bounds bounds;
  bounds.replicas = replicas_of(deployment);
  const auto& strategy = deployment.spec().strategy();
  if (strategy.type() == "Recreate") {
    bounds.recreate = true;
    bounds.unavailable = bounds.replicas;
    return bounds;
  }
  const auto& rolling = strategy.rolling_update();
  const api::IntOrString quarter = api::string_value("25%");
  const auto scaled = [&](bool given, const api::IntOrString& value, bool up) {
    return api::scaled_value(given ? value : quarter, bounds.replicas, up);
  };
  bounds.surge = scaled(rolling.has_max_surge(), rolling.max_surge(), true);
  bounds.unavailable = scaled(rolling.has_max_unavailable(), rolling.max_unavailable(), false);
  if (bounds.surge == 0 && bounds.unavailable == 0) bounds.unavailable = 1;
  bounds.unavailable = std::min(bounds.unavailable, bounds.replicas);
  return bounds;
}

const KnownSet* KnownRollout::find(const std::string& uid) const {
  for (const KnownSet& set : sets) {
    if (set.rs.uid() == uid) return &set;
  }
  return nullptr;
}

void Families::on_commit(const store::StoreEvent& event) {
  const api::Object& object = event.object ? *event.object : *event.previous;
  if (object.kind() == api::Kind::replica_sets) {
    const std::string owner = controlling_deployment(object).uid();
    if (!owner.empty() && event.object) names_[owner].insert(object.name());
    if (!event.object) fingerprints_.erase(object.uid());
  } else if (object.kind() == api::Kind::deployments && !event.object) {
    names_.erase(object.uid());
    fingerprints_.erase(object.uid());
  }
}

uint64_t Families::fingerprint(const api::Object& object) {
  Fingerprint& known = fingerprints_[object.uid()];
  if (known.generation != object.meta().generation()) {
    const auto& pod_template = object.kind() == api::Kind::deployments
                                   ? object.as<api::Deployment>().spec().template_()
                                   : object.as<api::ReplicaSet>().spec().template_();
    known = {object.meta().generation(), hash_of(pod_template)};
  }
  return known.value;
}

std::optional<KnownRollout> Families::known(const StateModel& state,
                                            const api::ObjectKey& deployment,
                                            const std::string& uid, const api::Basis& basis) {
  KnownRollout rollout;
  rollout.deployment = api::Ref<api::Deployment>(
      state.get_at(deployment, basis.of(api::Kind::deployments)));
  if (!rollout.deployment || rollout.deployment.uid() != uid) return std::nullopt;
  const auto names = names_.find(uid);
  if (names != names_.end()) {
    for (const std::string& name : names->second) {
      auto rs = state.get_at<api::ReplicaSet>(deployment.ns, name,
                                              basis.of(api::Kind::replica_sets));
      if (rs && controller_uid(rs.object()) == uid) rollout.sets.push_back({std::move(rs), 0, 0});
    }
  }
  complete(&rollout);
  return rollout;
}

std::optional<KnownRollout> Families::now(const StateModel& state,
                                          const api::ObjectPtr& deployment) {
  KnownRollout rollout;
  rollout.deployment = api::Ref<api::Deployment>(deployment);
  if (!rollout.deployment) return std::nullopt;
  for (const auto& [key, rs] : state.controlled_by(api::Kind::replica_sets, deployment->uid())) {
    rollout.sets.push_back({api::Ref<api::ReplicaSet>(rs), 0, 0});
  }
  complete(&rollout);
  return rollout;
}

void Families::complete(KnownRollout* rollout) {
  rollout->bounds = bounds_of(*rollout->deployment);
  std::sort(rollout->sets.begin(), rollout->sets.end(), [](const KnownSet& a, const KnownSet& b) {
    const int64_t created_a = a.rs->metadata().creation_timestamp().seconds();
    const int64_t created_b = b.rs->metadata().creation_timestamp().seconds();
    return created_a != created_b ? created_a < created_b : a.rs.name() < b.rs.name();
  });
  const uint64_t wanted = fingerprint(rollout->deployment.object());
  for (std::size_t i = 0; i < rollout->sets.size(); ++i) {
    KnownSet& set = rollout->sets[i];
    set.size = replicas_of(*set.rs);
    set.available = std::min(set.rs->status().available_replicas(), set.size);
    rollout->total += set.size;
    rollout->available += set.available;
    if (rollout->current < 0 && fingerprint(set.rs.object()) == wanted) {
      rollout->current = static_cast<int>(i);
    }
    if (set.size == 0) continue;
    ++rollout->in_use;
    const auto desired = number_annotation(set.rs->metadata(), kDesiredAnnotation);
    if (desired && *desired != rollout->bounds.replicas) rollout->scaling = true;
  }
}

void RevisionTimes::committed(api::Revision revision, Instant at) {
  if (seconds_.empty() || at - seconds_.back().begin >= 1s) seconds_.push_back({at, revision});
}

Instant RevisionTimes::at_or_before(api::Revision revision) const {
  const auto after = std::upper_bound(
      seconds_.begin(), seconds_.end(), revision,
      [](api::Revision r, const Second& second) { return r < second.first; });
  return after == seconds_.begin() ? Instant{} : std::prev(after)->begin;
}

api::Revision RevisionTimes::known_at(Instant at) const {
  const auto after = std::upper_bound(
      seconds_.begin(), seconds_.end(), at,
      [](Instant t, const Second& second) { return t < second.begin; });
  return after == seconds_.begin() ? api::Revision{} : std::prev(after)->first;
}

}  // namespace keelson::sim
