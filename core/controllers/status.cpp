// What a deployment reports. Reasons and messages are Kubernetes', since people and `kubectl
// rollout status` read them. Source: deployment/progress.go and sync.go.
#include <algorithm>

#include <fmt/format.h>

#include "core/api/canonical.hpp"
#include "core/api/json.hpp"
#include "core/controllers/owners.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

using api::DeploymentCondition;
using api::DeploymentStatus;

constexpr int32_t kNoDeadline = INT32_MAX;
constexpr std::string_view kCreateError = "ReplicaSetCreateError";

const DeploymentCondition* find(const DeploymentStatus& status, std::string_view type) {
  for (const auto& condition : status.conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

void remove(DeploymentStatus* status, std::string_view type) {
  auto* conditions = status->mutable_conditions();
  conditions->erase(std::remove_if(conditions->begin(), conditions->end(),
                                   [&](const auto& c) { return c.type() == type; }),
                    conditions->end());
}

struct Condition {
  std::string_view type, status, reason;
  std::string message;
};

// `refresh` also renews an equal condition's update time and message.
void set(DeploymentStatus* status, const Condition& wanted, WallTime now, bool refresh = false) {
  const DeploymentCondition* before = find(*status, wanted.type);
  if (before && !refresh && before->status() == wanted.status &&
      before->reason() == wanted.reason) {
    return;
  }
  DeploymentCondition condition;
  condition.set_type(std::string(wanted.type));
  condition.set_status(std::string(wanted.status));
  condition.set_reason(std::string(wanted.reason));
  condition.set_message(wanted.message);
  *condition.mutable_last_update_time() = api::to_time(now);
  *condition.mutable_last_transition_time() = before && before->status() == wanted.status
                                                  ? before->last_transition_time()
                                                  : api::to_time(now);
  remove(status, wanted.type);
  *status->add_conditions() = std::move(condition);
}

bool has_deadline(const Rollout& rollout) {
  const api::DeploymentSpec& spec = rollout.deployment->spec();
  return spec.has_progress_deadline_seconds() && spec.progress_deadline_seconds() != kNoDeadline;
}

DeploymentStatus counted(const Rollout& rollout) {
  const api::Deployment& deployment = *rollout.deployment;
  DeploymentStatus status = deployment.status();
  int32_t replicas = 0, ready = 0, available = 0;
  for (const RsRef& rs : rollout.all) {
    replicas = sum_of(replicas, rs->status().replicas());
    ready = sum_of(ready, rs->status().ready_replicas());
    available = sum_of(available, rs->status().available_replicas());
  }
  status.set_observed_generation(deployment.metadata().generation());
  status.set_replicas(replicas);
  status.set_updated_replicas(rollout.current ? rollout.current->status().replicas() : 0);
  status.set_ready_replicas(ready);
  status.set_available_replicas(available);
  status.set_unavailable_replicas(std::max(rollout.total() - available, 0));
  const WallTime now = rollout.view.wall_now();
  if (available >= rollout.min_available()) {
    set(&status,
        {"Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."},
        now);
  } else {
    set(&status,
        {"Available", "False", "MinimumReplicasUnavailable",
         "Deployment does not have minimum availability."},
        now);
  }
  return status;
}

// Pausing stops the progress clock, resuming starts it anew. A deadline that was missed stays said.
void mark_pause(const Rollout& rollout, DeploymentStatus* status) {
  if (!has_deadline(rollout)) return;
  const DeploymentCondition* before = find(*status, "Progressing");
  if (before && before->reason() == "ProgressDeadlineExceeded") return;
  const bool said = before && before->reason() == "DeploymentPaused";
  const WallTime now = rollout.view.wall_now();
  if (rollout.deployment->spec().paused() && !said) {
    set(status, {"Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"}, now);
  } else if (!rollout.deployment->spec().paused() && said) {
    set(status, {"Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed"}, now);
  }
}

bool progressing(const DeploymentStatus& before, const DeploymentStatus& now) {
  return now.updated_replicas() > before.updated_replicas() ||
         now.replicas() - now.updated_replicas() < before.replicas() - before.updated_replicas() ||
         now.ready_replicas() > before.ready_replicas() ||
         now.available_replicas() > before.available_replicas();
}

// The condition is about another ReplicaSet than the one that is rolled out now. It must not be
// taken for a judgement on this rollout (k8s#49637: a new rollout "timed out" at once).
bool about_another(const DeploymentCondition& condition, const std::string& rs_name) {
  return condition.reason() != "DeploymentPaused" && condition.reason() != "DeploymentResumed" &&
         condition.message().find('"' + rs_name + '"') == std::string::npos;
}

// What identifies one state of the condition for the progress clock.
std::string state_of(const Rollout& rollout, const DeploymentCondition& condition) {
  return fmt::format("{} {} {} {}", rollout.deployment.uid(), condition.reason(),
                     condition.last_update_time().seconds(), condition.message());
}

// Judges progress and returns how long until the judgement must be made again (zero: no need).
Duration judge(const Rollout& rollout, ProgressClock& clock, DeploymentStatus* status) {
  const DeploymentStatus& before = rollout.deployment->status();
  const api::ObjectKey key = rollout.deployment.object().key();
  const WallTime wall = rollout.view.wall_now();
  if (!rollout.current) return {};
  const std::string& name = rollout.current.name();
  const DeploymentCondition* said = find(*status, "Progressing");
  if (!said || about_another(*said, name) || said->reason() == kCreateError) {
    set(status,
        {"Progressing", "True", "FoundNewReplicaSet",
         fmt::format("Found new replica set \"{}\"", name)},
        wall, true);
    said = find(*status, "Progressing");
  } else if (status->replicas() == status->updated_replicas() &&
             said->reason() == "NewReplicaSetAvailable") {
    return {};  // has completed; what happens to its pods later is no rollout
  }
  if (complete(rollout, *status)) {
    set(status,
        {"Progressing", "True", "NewReplicaSetAvailable",
         fmt::format("ReplicaSet \"{}\" has successfully progressed.", name)},
        wall);
    return {};
  }
  const Duration deadline =
      std::chrono::seconds(rollout.deployment->spec().progress_deadline_seconds());
  if (progressing(before, *status)) {
    set(status,
        {"Progressing", "True", "ReplicaSetUpdated",
         fmt::format("ReplicaSet \"{}\" is progressing.", name)},
        wall, true);
    clock.progressed(key, state_of(rollout, *find(*status, "Progressing")), rollout.view.now());
    return deadline;
  }
  // A verdict stays, and a rollout that was through is not judged again because an old ReplicaSet
  // was given pods by hand.
  if (said->reason() == "ProgressDeadlineExceeded" || said->reason() == "NewReplicaSetAvailable") {
    return {};
  }
  const Duration stuck = clock.since_change(key, state_of(rollout, *said), rollout.view.now());
  if (stuck < deadline) return deadline - stuck;
  set(status,
      {"Progressing", "False", "ProgressDeadlineExceeded",
       fmt::format("ReplicaSet \"{}\" has timed out progressing.", name)},
      wall);
  return {};
}

// A failure of the ReplicaSets to create pods shows on the deployment; the current one's first.
void pass_on_failure(const Rollout& rollout, DeploymentStatus* status) {
  const auto failure = [](const RsRef& rs) -> const api::ReplicaSetCondition* {
    if (!rs) return nullptr;
    for (const auto& condition : rs->status().conditions()) {
      if (condition.type() == "ReplicaFailure") return &condition;
    }
    return nullptr;
  };
  const api::ReplicaSetCondition* found = failure(rollout.current);
  for (const RsRef& rs : rollout.old) {
    if (!found) found = failure(rs);
  }
  if (!found) {
    remove(status, "ReplicaFailure");
    return;
  }
  set(status, {"ReplicaFailure", found->status(), found->reason(), found->message()},
      rollout.view.wall_now());
}

api::Request status_request(const Rollout& rollout, DeploymentStatus status) {
  api::Deployment message = *rollout.deployment;
  *message.mutable_status() = std::move(status);
  return api::update_status(changed(rollout.deployment, std::move(message)));
}

}  // namespace

bool complete(const Rollout& rollout, const DeploymentStatus& status) {
  return status.updated_replicas() == rollout.replicas && status.replicas() == rollout.replicas &&
         status.available_replicas() == rollout.replicas &&
         status.observed_generation() >= rollout.deployment->metadata().generation();
}

void sync_status(const Rollout& rollout, StatusMode mode, ProgressClock& clock, Plan* plan) {
  DeploymentStatus status = counted(rollout);
  mark_pause(rollout, &status);
  if (!has_deadline(rollout)) {
    remove(&status, "Progressing");
  } else if (mode == StatusMode::rollout) {
    const Duration again = judge(rollout, clock, &status);
    if (again > Duration::zero() &&
        (plan->requeue_after == Duration::zero() || again < plan->requeue_after)) {
      plan->requeue_after = again;
    }
  }
  if (mode == StatusMode::rollout) pass_on_failure(rollout, &status);
  if (api::same(status, rollout.deployment->status())) {
    return;
  }
  plan->together(status_request(rollout, std::move(status)));
}

bool report_refusal(const Rollout& rollout, Plan* plan) {
  if (!has_deadline(rollout)) return false;
  const Refusal& refused = rollout.refused;
  DeploymentStatus status = counted(rollout);
  // The message of the first attempt stays: the numbers in a quota's change with each.
  const DeploymentCondition* said = find(status, "Progressing");
  set(&status,
      {"Progressing", "False", kCreateError,
       fmt::format("Failed to create new replica set \"{}\": {}", refused.rs_name,
                   refused.message)},
      rollout.view.wall_now(), said && about_another(*said, refused.rs_name));
  if (api::same(status, rollout.deployment->status())) return false;
  plan->together(status_request(rollout, std::move(status)));
  return true;
}

api::Request status_with_created(const Rollout& rollout, const std::string& rs_name,
                                 ProgressClock& clock) {
  DeploymentStatus status = counted(rollout);
  mark_pause(rollout, &status);
  if (has_deadline(rollout)) {
    set(&status,
        {"Progressing", "True", "NewReplicaSetCreated",
         fmt::format("Created new replica set \"{}\"", rs_name)},
        rollout.view.wall_now(), true);
    clock.progressed(rollout.deployment.object().key(),
                     state_of(rollout, *find(status, "Progressing")), rollout.view.now());
  } else {
    remove(&status, "Progressing");
  }
  return status_request(rollout, std::move(status));
}

}  // namespace keelson::controllers
