// Revisions of a deployment: which ReplicaSet is which, how they are named and numbered, and which
// may be forgotten. Source: Kubernetes' deployment_util.go and sync.go.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "core/api/canonical.hpp"
#include "core/base/hash.hpp"
#include "core/controllers/owners.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

std::string canonical_without_hash(const api::ObjectMeta& meta) {
  if (!meta.labels().contains(std::string(kTemplateHash))) return api::canonical_bytes(meta);
  api::ObjectMeta copy = meta;
  copy.mutable_labels()->erase(std::string(kTemplateHash));
  return api::canonical_bytes(copy);
}

void copy_annotations(const api::Deployment& from, api::ObjectMeta* to) {
  for (const auto& [name, value] : from.metadata().annotations()) {
    if (!stays_on_deployment(name)) (*to->mutable_annotations())[name] = value;
  }
}

// One more than the highest, as far as there is one: annotations can say anything.
int64_t next_revision(const std::vector<RsRef>& sets) {
  int64_t highest = 0;
  for (const RsRef& rs : sets) highest = std::max(highest, revision_of(rs->metadata()));
  return highest == INT64_MAX ? highest : highest + 1;
}

// The oldest go when it gets too long. Source: Kubernetes' maxRevHistoryLengthInChars.
void append_history(std::string* history, int64_t revision) {
  constexpr std::size_t kMost = 2000;
  if (!history->empty()) *history += ',';
  *history += std::to_string(revision);
  if (history->size() <= kMost) return;
  const auto comma = history->find(',', history->size() - kMost - 1);
  history->erase(0, comma == std::string::npos ? history->size() : comma + 1);
}

// The annotations that the current ReplicaSet should have; raises its revision above all others, so
// that an old one which comes back (an undo) counts as the newest.
api::ObjectMeta annotated(const Rollout& rollout) {
  api::ObjectMeta meta;
  *meta.mutable_annotations() = rollout.current->metadata().annotations();
  copy_annotations(*rollout.deployment, &meta);
  auto& annotations = *meta.mutable_annotations();
  const int64_t before = revision_of(meta);
  const int64_t wanted = next_revision(rollout.old);
  if (before < wanted) {
    if (before > 0) append_history(&annotations[std::string(kRevisionHistory)], before);
    annotations[std::string(kRevision)] = std::to_string(wanted);
  }
  return meta;
}

bool same_annotations(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  if (a.annotations_size() != b.annotations_size()) return false;
  return std::all_of(a.annotations().begin(), a.annotations().end(), [&](const auto& entry) {
    const auto at = b.annotations().find(entry.first);
    return at != b.annotations().end() && at->second == entry.second;
  });
}

}  // namespace

bool stays_on_deployment(const std::string& annotation) {
  static constexpr std::array<std::string_view, 6> kOwn{
      "kubectl.kubernetes.io/last-applied-configuration",
      kRevision,
      kRevisionHistory,
      kDesiredReplicas,
      kMaxReplicas,
      "deprecated.deployment.rollback.to"};
  return std::find(kOwn.begin(), kOwn.end(), annotation) != kOwn.end();
}

bool same_template(const api::PodTemplateSpec& a, const api::PodTemplateSpec& b) {
  return template_bytes(a) == template_bytes(b);
}

std::string template_bytes(const api::PodTemplateSpec& pod_template) {
  const std::string spec = api::canonical_bytes(pod_template.spec());
  return std::to_string(spec.size()) + ' ' + spec + canonical_without_hash(pod_template.metadata());
}

const std::string& TemplateMemo::remember(const api::Object& object,
                                          const api::PodTemplateSpec& pod_template) {
  std::string& bytes = bytes_[object.uid() + '/' + std::to_string(object.meta().generation())];
  if (bytes.empty()) bytes = template_bytes(pod_template);
  return bytes;
}

const std::string& TemplateMemo::of(const RsRef& rs) {
  return remember(rs.object(), rs->spec().template_());
}

const std::string& TemplateMemo::of(const api::Ref<api::Deployment>& deployment) {
  return remember(deployment.object(), deployment->spec().template_());
}

// Kubernetes prints a 32 bit hash in decimal and maps the digits to letters and digits that cannot
// form words; so do we. Which hash it is does not matter: templates are matched by content, and the
// hash only makes names.
std::string template_hash(const api::PodTemplateSpec& pod_template, int32_t collision_count) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  uint64_t hash = hash_bytes(canonical_without_hash(pod_template.metadata()));
  hash = hash_bytes(api::canonical_bytes(pod_template.spec()), hash);
  if (collision_count > 0) hash = hash_combine(hash, static_cast<uint64_t>(collision_count));
  hash = hash_u64(hash);
  std::string text = std::to_string(static_cast<uint32_t>(hash ^ (hash >> 32)));
  for (char& c : text) c = kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  return text;
}

int64_t revision_of(const api::ObjectMeta& meta) {
  const auto at = meta.annotations().find(std::string(kRevision));
  if (at == meta.annotations().end()) return 0;
  int64_t revision = 0;
  const char* end = at->second.data() + at->second.size();
  const auto [rest, error] = std::from_chars(at->second.data(), end, revision);
  return error == std::errc() && rest == end ? revision : 0;
}

bool sync_revision(const Rollout& rollout, Plan* plan) {
  if (!rollout.current) return false;
  const api::ObjectMeta meta = annotated(rollout);
  const std::string revision = meta.annotations().at(std::string(kRevision));
  const int32_t min_ready = rollout.deployment->spec().min_ready_seconds();
  if (!same_annotations(meta, rollout.current->metadata()) ||
      min_ready != rollout.current->spec().min_ready_seconds()) {
    api::ReplicaSet rs = *rollout.current;
    *rs.mutable_metadata()->mutable_annotations() = meta.annotations();
    rs.mutable_spec()->set_min_ready_seconds(min_ready);
    plan->together(api::update(changed(rollout.current, std::move(rs))));
  }
  const auto& annotations = rollout.deployment->metadata().annotations();
  const auto at = annotations.find(std::string(kRevision));
  if (at == annotations.end() || at->second != revision) {
    api::Deployment deployment = *rollout.deployment;
    (*deployment.mutable_metadata()->mutable_annotations())[std::string(kRevision)] = revision;
    plan->together(api::update(changed(rollout.deployment, std::move(deployment))));
  }
  return !plan->writes.empty();
}

void create_current(const Rollout& rollout, int32_t size, ProgressClock& progress, Plan* plan) {
  const api::Deployment& deployment = *rollout.deployment;
  const std::string hash =
      template_hash(deployment.spec().template_(), deployment.status().collision_count());
  const std::string name = rollout.deployment.name() + "-" + hash;
  if (rollout.view.get<api::ReplicaSet>(rollout.deployment.ns(), name)) {
    // The name is taken by a set with another template, or by one that belongs to a predecessor of
    // this deployment: the next attempt hashes with a higher count.
    api::Deployment message = deployment;
    message.mutable_status()->set_collision_count(deployment.status().collision_count() + 1);
    plan->together(api::update_status(changed(rollout.deployment, std::move(message))));
    return;
  }
  if (rollout.refused.rs_name == name && report_refusal(rollout, plan)) return;
  api::ReplicaSet rs;
  api::ObjectMeta& meta = *rs.mutable_metadata();
  meta.set_name(name);
  meta.set_namespace_(rollout.deployment.ns());
  *meta.add_owner_references() = controller_reference(rollout.deployment.object());
  *meta.mutable_labels() = deployment.spec().template_().metadata().labels();
  (*meta.mutable_labels())[std::string(kTemplateHash)] = hash;
  copy_annotations(deployment, &meta);
  auto& annotations = *meta.mutable_annotations();
  annotations[std::string(kRevision)] = std::to_string(next_revision(rollout.all));
  annotations[std::string(kDesiredReplicas)] = std::to_string(rollout.replicas);
  annotations[std::string(kMaxReplicas)] = std::to_string(rollout.replicas + rollout.max_surge);
  api::ReplicaSetSpec& spec = *rs.mutable_spec();
  spec.set_replicas(size);
  spec.set_min_ready_seconds(deployment.spec().min_ready_seconds());
  *spec.mutable_selector() = deployment.spec().selector();
  (*spec.mutable_selector()->mutable_match_labels())[std::string(kTemplateHash)] = hash;
  *spec.mutable_template_() = deployment.spec().template_();
  (*spec.mutable_template_()->mutable_metadata()->mutable_labels())[std::string(kTemplateHash)] =
      hash;

  PlannedWrite& write = plan->together(api::create(api::make_object(std::move(rs))));
  if (size > 0) {
    write.on_success = {rollout.deployment.ptr(), false, "ScalingReplicaSet",
                        fmt::format("Scaled up replica set {} from 0 to {}", name, size)};
  }
  write.on_failure = {rollout.deployment.ptr(), true, "ReplicaSetCreateError",
                      fmt::format("Failed to create new replica set \"{}\": {{}}", name)};
  plan->then(status_with_created(rollout, name, progress));
}

// Old ReplicaSets without pods, beyond the limit, lowest revision first (DP-6).
void clean_history(const Rollout& rollout, Plan* plan) {
  const api::DeploymentSpec& spec = rollout.deployment->spec();
  const int64_t limit = spec.has_revision_history_limit() ? spec.revision_history_limit() : 10;
  std::vector<RsRef> sets;
  for (const RsRef& rs : rollout.old) {
    if (!rs.object().deleting()) sets.push_back(rs);
  }
  std::stable_sort(sets.begin(), sets.end(), [](const RsRef& a, const RsRef& b) {
    return revision_of(a->metadata()) < revision_of(b->metadata());
  });
  const auto excess = static_cast<int64_t>(sets.size()) - limit;
  for (int64_t i = 0; i < excess; ++i) {
    const RsRef& rs = sets[static_cast<std::size_t>(i)];
    if (replicas_of(*rs) != 0 || rs->status().replicas() != 0 ||
        rs->metadata().generation() > rs->status().observed_generation()) {
      continue;
    }
    // Conditional on the revision too: a set that an undo has just brought back to life stays.
    api::Request request = api::remove(rs.object());
    if (rs.revision()) request.expected.revision = rs.revision();
    plan->together(std::move(request));
  }
}

}  // namespace keelson::controllers
