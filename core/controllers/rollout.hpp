// What the steps of a rollout share. Internal to the deployment controller.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/client/lru_map.hpp"
#include "core/controllers/controller.hpp"
#include "core/controllers/progress.hpp"

namespace keelson::controllers {

inline constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kRevisionHistory = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view kMaxReplicas = "deployment.kubernetes.io/max-replicas";
inline constexpr std::string_view kTemplateHash = "pod-template-hash";

using RsRef = api::Ref<api::ReplicaSet>;

inline int32_t replicas_of(const api::ReplicaSet& rs) {
  return rs.spec().has_replicas() ? rs.spec().replicas() : 1;
}
// A ReplicaSet's status can be older than its spec. Once its controller has reported on the present
// spec, no write of its that followed an older one is under way any more (it settles them first,
// and reads its own writes). From then on two bounds hold in the cluster, not only on paper:
inline bool settled(const api::ReplicaSet& rs) {
  return rs.status().observed_generation() >= rs.metadata().generation();
}
// It has at least this many available pods: of too many, those that are not available go first.
inline int32_t available_of(const api::ReplicaSet& rs) {
  return std::min(rs.status().available_replicas(), replicas_of(rs));
}
// And at most this many active ones.
inline int32_t occupied_by(const api::ReplicaSet& rs) {
  return std::max(rs.status().replicas(), replicas_of(rs));
}

// Sizes are users' input, and so are statuses, in the end: their sum may not fit.
inline int32_t sum_of(int32_t a, int32_t b) {
  return static_cast<int32_t>(std::min<int64_t>(int64_t{a} + b, INT32_MAX));
}

struct Rollout {
  const View& view;
  api::Ref<api::Deployment> deployment;
  std::vector<RsRef> all;  // owned, oldest first
  std::vector<RsRef> old;  // all but the current one
  RsRef current;           // has the deployment's template; null: must be created
  Refusal refused;         // of the last attempt to create one; empty: there was none
  int32_t replicas = 1;
  int32_t max_surge = 0;
  int32_t max_unavailable = 0;

  int32_t total() const {  // what the ReplicaSets ask for together
    int32_t sum = 0;
    for (const auto& rs : all) sum = sum_of(sum, replicas_of(*rs));
    return sum;
  }
  int32_t occupied() const {
    int32_t sum = 0;
    for (const auto& rs : all) sum = sum_of(sum, occupied_by(*rs));
    return sum;
  }
  bool all_settled() const {
    return std::all_of(all.begin(), all.end(), [](const RsRef& rs) { return settled(*rs); });
  }
  int32_t available() const {
    int32_t sum = 0;
    for (const auto& rs : all) sum = sum_of(sum, available_of(*rs));
    return sum;
  }
  int32_t min_available() const { return replicas - max_unavailable; }
};

// --- revisions.cpp ---
// Templates as canonical bytes, remembered by uid and generation: they are compared at every step of
// a rollout and seldom change. Only saves time.
class TemplateMemo {
 public:
  const std::string& of(const RsRef& rs);
  const std::string& of(const api::Ref<api::Deployment>& deployment);

 private:
  const std::string& remember(const api::Object& object, const api::PodTemplateSpec& pod_template);
  client::LruMap<std::string> bytes_{10'000};
};
// Equal but for the pod-template-hash label.
bool same_template(const api::PodTemplateSpec& a, const api::PodTemplateSpec& b);
// What tells templates apart: equal if and only if they are the same_template().
std::string template_bytes(const api::PodTemplateSpec& pod_template);
std::string template_hash(const api::PodTemplateSpec& pod_template, int32_t collision_count);
// Annotations of a deployment that are about it alone and not about the revision.
bool stays_on_deployment(const std::string& annotation);
// 0 where there is none.
int64_t revision_of(const api::ObjectMeta& meta);
// Brings the annotations of the current ReplicaSet and of the deployment up to date. True if there
// was something to write.
bool sync_revision(const Rollout& rollout, Plan* plan);
// Creates the current ReplicaSet with this size, or counts a collision of its name.
void create_current(const Rollout& rollout, int32_t size, ProgressClock& progress, Plan* plan);
void clean_history(const Rollout& rollout, Plan* plan);

// --- deployment_controller.cpp ---
Rollout make_rollout(const View& view, const api::Ref<api::Deployment>& deployment,
                     TemplateMemo& templates);

// --- scaling.cpp ---
// Writes the size, with the annotations that proportional scaling needs; nothing if all is so
// already.
void resize(const Rollout& rollout, const RsRef& rs, int32_t size, Plan* plan);
bool scaled_by_user(const Rollout& rollout);
void scale_in_proportion(const Rollout& rollout, Plan* plan);

// --- rolling.cpp, recreate.cpp ---
// The size that the current ReplicaSet may have now.
int32_t size_of_current(const Rollout& rollout);
void roll(const Rollout& rollout, ProgressClock& progress, Plan* plan);
void recreate(const Rollout& rollout, ProgressClock& progress, Plan* plan);

// --- status.cpp ---
enum class StatusMode : uint8_t {
  rollout,      // judges progress
  counts_only,  // paused, being scaled or deleted
};
// Adds the write of the deployment's status, if it changes, to the plan's current stage.
void sync_status(const Rollout& rollout, StatusMode mode, ProgressClock& progress, Plan* plan);
// The status with the condition that a new ReplicaSet was created.
api::Request status_with_created(const Rollout& rollout, const std::string& rs_name,
                                 ProgressClock& progress);
// Says on the deployment that its ReplicaSet was refused. False: that is said already.
bool report_refusal(const Rollout& rollout, Plan* plan);
bool complete(const Rollout& rollout, const api::DeploymentStatus& status);

}  // namespace keelson::controllers
