// Sizes of ReplicaSets, and how a change of spec.replicas in the middle of a rollout is spread over
// them. Source: Kubernetes' deployment/sync.go and deployment_util.go.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/controllers/owners.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

bool annotation_int(const api::ObjectMeta& meta, std::string_view name, int64_t* value) {
  const auto at = meta.annotations().find(std::string(name));
  if (at == meta.annotations().end()) return false;
  const char* end = at->second.data() + at->second.size();
  const auto [rest, error] = std::from_chars(at->second.data(), end, *value);
  return error == std::errc() && rest == end;
}

int32_t max_replicas(const Rollout& rollout) {
  return rollout.replicas + rollout.max_surge;
}

// By how many this ReplicaSet changes when the whole may become R + S: in proportion to its size,
// but no more than what is left to add or remove.
int32_t share_of(const Rollout& rollout, const api::ReplicaSet& rs, int32_t to_add, int32_t added) {
  const int32_t size = replicas_of(rs);
  if (size == 0 || to_add == 0 || to_add == added) return 0;
  int64_t fraction = -size;
  if (rollout.replicas > 0) {
    int64_t before = 0;  // R + S when this size was decided
    if (!annotation_int(rs.metadata(), kMaxReplicas, &before) || before <= 0) {
      before = rollout.deployment->status().replicas();
    }
    before = std::clamp<int64_t>(before, 1, INT32_MAX);  // anybody can write annotations
    const int64_t scaled = int64_t{size} * max_replicas(rollout);
    fraction = (2 * scaled + before) / (2 * before) - size;  // rounded to the nearest
  }
  const int64_t allowed = to_add - added;
  return static_cast<int32_t>(to_add > 0 ? std::min(fraction, allowed)
                                         : std::max(fraction, allowed));
}

// Larger first. Of equal ones, growth goes to the newer and shrinking to the older.
std::vector<RsRef> by_size(std::vector<RsRef> sets, bool newer_first) {
  std::stable_sort(sets.begin(), sets.end(), [newer_first](const RsRef& a, const RsRef& b) {
    if (replicas_of(*a) != replicas_of(*b)) return replicas_of(*a) > replicas_of(*b);
    const int64_t created_a = a->metadata().creation_timestamp().seconds();
    const int64_t created_b = b->metadata().creation_timestamp().seconds();
    return newer_first ? created_a > created_b : created_a < created_b;
  });
  return sets;
}

void share_out(const Rollout& rollout, const std::vector<RsRef>& active, Plan* plan) {
  int32_t total = 0;
  for (const RsRef& rs : active) total = sum_of(total, replicas_of(*rs));
  const int32_t allowed = rollout.replicas > 0 ? max_replicas(rollout) : 0;
  const int32_t to_add = allowed - total;
  const std::vector<RsRef> sets = by_size(active, to_add > 0);
  std::vector<int32_t> sizes;
  int32_t added = 0;
  for (const RsRef& rs : sets) {
    const int32_t share = share_of(rollout, *rs, to_add, added);
    sizes.push_back(replicas_of(*rs) + share);
    added += share;
  }
  // What rounding left over goes to the largest.
  if (!sizes.empty()) sizes[0] = std::max(sizes[0] + to_add - added, 0);
  for (std::size_t i = 0; i < sets.size(); ++i) resize(rollout, sets[i], sizes[i], plan);
}

bool saturated(const Rollout& rollout) {
  if (!rollout.current || !settled(*rollout.current)) return false;
  int64_t desired = 0;
  return annotation_int(rollout.current->metadata(), kDesiredReplicas, &desired) &&
         desired == rollout.replicas && replicas_of(*rollout.current) == rollout.replicas &&
         rollout.current->status().available_replicas() == rollout.replicas;
}

}  // namespace

void resize(const Rollout& rollout, const RsRef& rs, int32_t size, Plan* plan) {
  const int32_t before = replicas_of(*rs);
  int64_t desired = -1;
  int64_t most = -1;
  annotation_int(rs->metadata(), kDesiredReplicas, &desired);
  annotation_int(rs->metadata(), kMaxReplicas, &most);
  if (size == before && desired == rollout.replicas && most == max_replicas(rollout)) return;
  api::ReplicaSet message = *rs;
  message.mutable_spec()->set_replicas(size);
  auto& annotations = *message.mutable_metadata()->mutable_annotations();
  annotations[std::string(kDesiredReplicas)] = std::to_string(rollout.replicas);
  annotations[std::string(kMaxReplicas)] = std::to_string(max_replicas(rollout));
  PlannedWrite& write = plan->together(api::update(changed(rs, std::move(message))));
  if (size == before) return;
  write.on_success = {rollout.deployment.ptr(), false, "ScalingReplicaSet",
                      fmt::format("Scaled {} replica set {} from {} to {}",
                                  size > before ? "up" : "down", rs.name(), before, size)};
}

// spec.replicas was changed since the ReplicaSets were sized.
bool scaled_by_user(const Rollout& rollout) {
  return std::any_of(rollout.all.begin(), rollout.all.end(), [&](const RsRef& rs) {
    int64_t desired = 0;
    return replicas_of(*rs) > 0 && annotation_int(rs->metadata(), kDesiredReplicas, &desired) &&
           desired != rollout.replicas;
  });
}

void scale_in_proportion(const Rollout& rollout, Plan* plan) {
  std::vector<RsRef> active;
  for (const RsRef& rs : rollout.all) {
    if (replicas_of(*rs) > 0) active.push_back(rs);
  }
  if (active.size() <= 1) {  // no rollout is under way: the one that is in use takes it all
    RsRef only = !active.empty() ? active.front() : rollout.current;
    if (!only && !rollout.all.empty()) only = rollout.all.back();
    if (only) resize(rollout, only, rollout.replicas, plan);
    return;
  }
  if (saturated(rollout)) {
    for (const RsRef& rs : rollout.old) {
      if (replicas_of(*rs) > 0) resize(rollout, rs, 0, plan);
    }
    return;
  }
  if (rollout.deployment->spec().strategy().type() != "Recreate") {
    share_out(rollout, active, plan);
    return;
  }
  // Recreate: what is on its way out is not enlarged; only the annotations are brought up to date,
  // so that the change counts as seen.
  for (const RsRef& rs : active) {
    const bool current = rollout.current && rs == rollout.current;
    const int32_t size = current ? rollout.replicas : std::min(replicas_of(*rs), rollout.replicas);
    resize(rollout, rs, size, plan);
  }
}

}  // namespace keelson::controllers
