// Disruption budgets, priority classes and leases.
#include <array>

#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using policy::v1::PodDisruptionBudgetSpec;

// Higher values are kept for the system's own classes, which nothing may displace.
constexpr int32_t user_priority_max = 1000000000;
constexpr std::string_view system_classes[] = {"system-cluster-critical", "system-node-critical"};

bool system_class(std::string_view name) {
  for (std::string_view one : system_classes) {
    if (one == name) return true;
  }
  return false;
}

}  // namespace

void validate(Errors& errors, const PodDisruptionBudget& budget) {
  const PodDisruptionBudgetSpec& spec = budget.spec();
  const Path path("spec");
  if (spec.has_min_available() && spec.has_max_unavailable()) {
    errors.invalid_shown(path, go_value(spec),
                         "minAvailable and maxUnavailable cannot be both set");
  }
  if (spec.has_min_available()) {
    const Path place = path.child("minAvailable");
    check_int_or_percent(errors, place, spec.min_available());
    check_percent_max(errors, place, spec.min_available());
  }
  if (spec.has_max_unavailable()) {
    const Path place = path.child("maxUnavailable");
    check_int_or_percent(errors, place, spec.max_unavailable());
    check_percent_max(errors, place, spec.max_unavailable());
  }
  validate_label_selector(errors, path.child("selector"), spec.selector());
  check_one_of<PodDisruptionBudgetSpec>(
      errors, path.child("unhealthyPodEvictionPolicy"),
      PodDisruptionBudgetSpec::kUnhealthyPodEvictionPolicyFieldNumber,
      spec.unhealthy_pod_eviction_policy(), Empty::allowed);
}

void validate_change(Errors& errors, const PodDisruptionBudget& now, const PodDisruptionBudget&) {
  validate(errors, now);
}

void validate_status_change(Errors& errors, const PodDisruptionBudget& now,
                            const PodDisruptionBudget&) {
  const auto& status = now.status();
  check_nonnegative(errors, Path("status.disruptionsAllowed"), status.disruptions_allowed());
  check_nonnegative(errors, Path("status.currentHealthy"), status.current_healthy());
  check_nonnegative(errors, Path("status.desiredHealthy"), status.desired_healthy());
  check_nonnegative(errors, Path("status.expectedPods"), status.expected_pods());
}

void validate(Errors& errors, const PriorityClass& priority) {
  if (priority.metadata().name().starts_with("system-")) {
    if (!system_class(priority.metadata().name())) {
      errors.forbidden(Path("metadata.name"),
                       "priority class names with 'system-' prefix are reserved for system use "
                       "only");
    }
  } else if (priority.value() > user_priority_max) {
    errors.forbidden(Path("value"),
                     "maximum allowed value of a user defined priority is 1000000000");
  }
  check_one_of<PriorityClass>(errors, Path("preemptionPolicy"),
                              PriorityClass::kPreemptionPolicyFieldNumber,
                              priority.preemption_policy());
}

void validate_change(Errors& errors, const PriorityClass& now, const PriorityClass& before) {
  // Pods carry a copy of the value, which would no longer agree.
  if (now.value() != before.value()) {
    errors.forbidden(Path("value"), "may not be changed in an update.");
  }
  check_immutable_fields(errors, Path(""), now, before);
}

void validate(Errors& errors, const Lease& lease) {
  const auto& spec = lease.spec();
  if (spec.has_lease_duration_seconds() && spec.lease_duration_seconds() <= 0) {
    errors.invalid(Path("spec.leaseDurationSeconds"), spec.lease_duration_seconds(),
                   "must be greater than 0");
  }
  if (spec.has_lease_transitions() && spec.lease_transitions() < 0) {
    errors.invalid(Path("spec.leaseTransitions"), spec.lease_transitions(), negative_reason);
  }
  if (!spec.preferred_holder().empty() && spec.strategy().empty()) {
    errors.forbidden(Path("spec.preferredHolder"),
                     "may only be specified when `strategy` is defined");
  }
}

void validate_change(Errors& errors, const Lease& now, const Lease&) {
  validate(errors, now);
}

}  // namespace keelson::api
