// Deployments and replica sets.
// Source: Kubernetes pkg/apis/apps/validation/validation.go.
#include <fmt/format.h>

#include "core/api/selector.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using apps::v1::DeploymentStrategy;
using apps::v1::RollingUpdateDeployment;

void validate_template(Errors& errors, const Path& path, const PodTemplateSpec& pod,
                       const LabelSelectorMatcher& selector) {
  const Path metadata = path.child("metadata");
  if (!selector.empty() && !selector.matches(pod.metadata().labels())) {
    errors.invalid_shown(metadata.child("labels"), go_value(pod.metadata().labels()),
                         "`selector` does not match template `labels`");
  }
  validate_labels(errors, metadata.child("labels"), pod.metadata().labels());
  validate_annotations(errors, metadata.child("annotations"), pod.metadata().annotations());
  validate_pod_annotations(errors, metadata.child("annotations"), pod.metadata().annotations());
  const Path spec = path.child("spec");
  validate_pod_spec(errors, spec, pod.spec());
  if (!pod.spec().ephemeral_containers().empty()) {
    errors.forbidden(spec.child("ephemeralContainers"),
                     "ephemeral containers not allowed in pod template");
  }
  // Whatever ends is started again, or the number of pods could not be kept.
  constexpr std::string_view always[] = {"Always"};
  const std::string& restart_policy = pod.spec().restart_policy();
  if (restart_policy == "OnFailure" || restart_policy == "Never") {
    errors.not_supported(spec.child("restartPolicy"), restart_policy, always);
  }
  if (pod.spec().has_active_deadline_seconds()) {
    errors.forbidden(spec.child("activeDeadlineSeconds"),
                     "activeDeadlineSeconds in ReplicaSet is not Supported");
  }
}

// Deployments and replica sets word this alike.
template <class Spec>
void validate_selector_and_template(Errors& errors, const Spec& spec) {
  const Path path("spec.selector");
  if (!spec.has_selector()) {
    errors.required(path);
  } else {
    validate_label_selector(errors, path, spec.selector());
    if (spec.selector().match_labels().empty() && spec.selector().match_expressions().empty()) {
      errors.invalid_shown(path, go_value(spec.selector()),
                           "empty selector is invalid for deployment");
    }
  }
  keelson::Result<LabelSelectorMatcher> selector = LabelSelectorMatcher::from(spec.selector());
  if (!selector.ok()) {
    errors.invalid_shown(path, go_value(spec.selector()), "invalid label selector");
    return;
  }
  validate_template(errors, Path("spec.template"), spec.template_(), selector.value());
}

bool zero(const IntOrString& value) {
  return value.type() == 0 ? value.int_val() == 0 : parse_percent(value.str_val()).value_or(0) == 0;
}

void validate_rolling_update(Errors& errors, const RollingUpdateDeployment& rolling) {
  const Path path("spec.strategy.rollingUpdate");
  const Path unavailable = path.child("maxUnavailable");
  const Path surge = path.child("maxSurge");
  const size_t before = errors.size();
  check_int_or_percent(errors, unavailable, rolling.max_unavailable());
  check_int_or_percent(errors, surge, rolling.max_surge());
  // With neither room above nor below, no pod could ever be replaced.
  if (errors.size() == before && zero(rolling.max_unavailable()) && zero(rolling.max_surge())) {
    errors.invalid_shown(unavailable, go_value(rolling.max_unavailable()),
                         "may not be 0 when `maxSurge` is 0");
  }
  check_percent_max(errors, unavailable, rolling.max_unavailable());
}

void validate_strategy(Errors& errors, const DeploymentStrategy& strategy) {
  const Path path("spec.strategy");
  if (strategy.type() == "Recreate") {
    if (strategy.has_rolling_update()) {
      errors.forbidden(path.child("rollingUpdate"),
                       "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type() == "RollingUpdate") {
    if (strategy.has_rolling_update()) {
      validate_rolling_update(errors, strategy.rolling_update());
    } else {
      errors.required(path.child("rollingUpdate"), "this should be defaulted and never be nil");
    }
  } else {
    check_one_of<DeploymentStrategy>(errors, path.child("type"),
                                     DeploymentStrategy::kTypeFieldNumber, strategy.type());
  }
}

void validate_spec(Errors& errors, const DeploymentSpec& spec) {
  check_nonnegative(errors, Path("spec.replicas"), spec.replicas());
  validate_selector_and_template(errors, spec);
  validate_strategy(errors, spec.strategy());
  check_nonnegative(errors, Path("spec.minReadySeconds"), spec.min_ready_seconds());
  check_nonnegative(errors, Path("spec.revisionHistoryLimit"), spec.revision_history_limit());
  if (spec.has_progress_deadline_seconds()) {
    const Path path("spec.progressDeadlineSeconds");
    check_nonnegative(errors, path, spec.progress_deadline_seconds());
    if (spec.progress_deadline_seconds() <= spec.min_ready_seconds()) {
      errors.invalid(path, spec.progress_deadline_seconds(),
                     "must be greater than minReadySeconds");
    }
  }
}

void validate_spec(Errors& errors, const ReplicaSetSpec& spec) {
  check_nonnegative(errors, Path("spec.replicas"), spec.replicas());
  check_nonnegative(errors, Path("spec.minReadySeconds"), spec.min_ready_seconds());
  validate_selector_and_template(errors, spec);
}

void check_at_most(Errors& errors, std::string_view path, int32_t value, int32_t limit,
                   std::string_view what) {
  if (value > limit) {
    errors.invalid(Path(path), value, fmt::format("cannot be greater than {}", what));
  }
}

// The counts that both statuses have.
template <class Status>
void validate_counts(Errors& errors, const Status& status) {
  check_nonnegative(errors, Path("status.replicas"), status.replicas());
  check_nonnegative(errors, Path("status.readyReplicas"), status.ready_replicas());
  check_nonnegative(errors, Path("status.availableReplicas"), status.available_replicas());
  check_nonnegative(errors, Path("status.observedGeneration"), status.observed_generation());
  check_at_most(errors, "status.readyReplicas", status.ready_replicas(), status.replicas(),
                "status.replicas");
  check_at_most(errors, "status.availableReplicas", status.available_replicas(), status.replicas(),
                "status.replicas");
  check_at_most(errors, "status.availableReplicas", status.available_replicas(),
                status.ready_replicas(), "readyReplicas");
}

}  // namespace

void validate(Errors& errors, const Deployment& deployment) {
  validate_spec(errors, deployment.spec());
}

void validate_change(Errors& errors, const Deployment& now, const Deployment& before) {
  // Annotations change far more often than the spec.
  if (same(now.spec(), before.spec())) return;
  validate_spec(errors, now.spec());
  check_immutable_fields(errors, Path("spec"), now.spec(), before.spec());
}

void validate_status_change(Errors& errors, const Deployment& now, const Deployment& before) {
  const DeploymentStatus& status = now.status();
  validate_counts(errors, status);
  check_nonnegative(errors, Path("status.updatedReplicas"), status.updated_replicas());
  check_nonnegative(errors, Path("status.unavailableReplicas"), status.unavailable_replicas());
  check_at_most(errors, "status.updatedReplicas", status.updated_replicas(), status.replicas(),
                "status.replicas");
  // Going back would make a taken name be tried again.
  if (status.collision_count() < before.status().collision_count()) {
    errors.invalid(Path("status.collisionCount"), status.collision_count(),
                   "cannot be decremented");
  }
}

void validate(Errors& errors, const ReplicaSet& set) {
  validate_spec(errors, set.spec());
}

void validate_change(Errors& errors, const ReplicaSet& now, const ReplicaSet& before) {
  if (same(now.spec(), before.spec())) return;
  validate_spec(errors, now.spec());
  check_immutable_fields(errors, Path("spec"), now.spec(), before.spec());
}

void validate_status_change(Errors& errors, const ReplicaSet& now, const ReplicaSet&) {
  const ReplicaSetStatus& status = now.status();
  validate_counts(errors, status);
  check_nonnegative(errors, Path("status.fullyLabeledReplicas"), status.fully_labeled_replicas());
  check_at_most(errors, "status.fullyLabeledReplicas", status.fully_labeled_replicas(),
                status.replicas(), "status.replicas");
}

}  // namespace keelson::api
