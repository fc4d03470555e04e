// Pods: nearly all of a pod's spec is fixed once it exists.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

constexpr std::string_view fixed_reason =
    "pod updates may not change fields other than `spec.containers[*].image`, "
    "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` (only "
    "additions to existing tolerations)";

// A deadline may be set or brought forward.
void validate_deadline_change(Errors& errors, const PodSpec& now, const PodSpec& before) {
  const Path path("spec.activeDeadlineSeconds");
  if (!before.has_active_deadline_seconds()) return;
  if (!now.has_active_deadline_seconds()) {
    errors.invalid_shown(path, "null", "must not update from a positive integer to nil value");
  } else if (now.active_deadline_seconds() > before.active_deadline_seconds()) {
    errors.invalid(path, now.active_deadline_seconds(),
                   "must be less than or equal to previous value");
  }
}

// Tolerations may be added, and those there may change how long they last.
void validate_toleration_change(Errors& errors, const PodSpec& now, const PodSpec& before) {
  auto what = [](const Toleration& t) {
    return std::array<std::string_view, 4>{t.key(), t.operator_(), t.value(), t.effect()};
  };
  std::set<std::array<std::string_view, 4>> kept;
  for (const Toleration& one : now.tolerations()) kept.insert(what(one));
  for (const Toleration& old : before.tolerations()) {
    if (kept.contains(what(old))) continue;
    errors.forbidden(Path("spec.tolerations"),
                     "existing toleration can not be modified except its tolerationSeconds");
    return;
  }
}

// Gates may be taken away, never added: a pod that was free to be scheduled stays so (KEP-3521).
void validate_gate_change(Errors& errors, const PodSpec& now, const PodSpec& before) {
  const Path path("spec.schedulingGates");
  Seen known;
  for (const PodSchedulingGate& gate : before.scheduling_gates()) known.add(gate.name());
  for (int i = 0; i < now.scheduling_gates_size(); ++i) {
    const std::string& name = now.scheduling_gates(i).name();
    if (known.contains(name)) continue;
    errors.forbidden(path.index(i).child("name"),
                     "only deletion is allowed, but found new scheduling gate '" + name + "'");
  }
}

// `now` with everything that may change put back to what it was.
PodSpec without_allowed_changes(const PodSpec& now, const PodSpec& before) {
  PodSpec spec = now;
  for (int i = 0; i < spec.containers_size(); ++i) {
    spec.mutable_containers(i)->set_image(before.containers(i).image());
  }
  for (int i = 0; i < spec.init_containers_size(); ++i) {
    spec.mutable_init_containers(i)->set_image(before.init_containers(i).image());
  }
  if (before.has_active_deadline_seconds()) {
    spec.set_active_deadline_seconds(before.active_deadline_seconds());
  } else {
    spec.clear_active_deadline_seconds();
  }
  *spec.mutable_tolerations() = before.tolerations();
  *spec.mutable_scheduling_gates() = before.scheduling_gates();
  // A negative period was never meant; it may be mended.
  if (before.termination_grace_period_seconds() < 0 &&
      now.termination_grace_period_seconds() == 1) {
    spec.set_termination_grace_period_seconds(before.termination_grace_period_seconds());
  }
  return spec;
}

// A container that has ended stays so, where `restarts(name, exit code)` does not bring it back.
template <class Restarts>
void validate_ended_containers(Errors& errors, const Path& path,
                               const Repeated<ContainerStatus>& now,
                               const Repeated<ContainerStatus>& before, Restarts restarts) {
  std::map<std::string_view, int> live;
  for (int i = 0; i < now.size(); ++i) {
    if (!now.Get(i).state().has_terminated()) live.emplace(now.Get(i).name(), i);
  }
  for (const ContainerStatus& old : before) {
    if (!old.state().has_terminated()) continue;
    if (restarts(old.name(), old.state().terminated().exit_code())) continue;
    const auto found = live.find(old.name());
    if (found == live.end()) continue;
    errors.forbidden(path.index(found->second).child("state"),
                     "may not be transitioned to non-terminated state");
  }
}

void validate_ended(Errors& errors, const Pod& now, const Pod& before) {
  const PodSpec& spec = before.spec();
  if (spec.restart_policy() == "Always") return;
  const bool on_failure = spec.restart_policy() == "OnFailure";
  validate_ended_containers(
      errors, Path("status.containerStatuses"), now.status().container_statuses(),
      before.status().container_statuses(),
      [&](const std::string&, int32_t exit_code) { return on_failure && exit_code != 0; });
  // A node that has lost the pod's sandbox starts over with the init containers, which then run
  // once more although they had succeeded. Kubernetes refuses to hear of that, and shows what is
  // past.
  const auto& mains = now.status().container_statuses();
  const bool started = std::any_of(mains.begin(), mains.end(), [](const ContainerStatus& main) {
    return main.state().has_running();
  });
  if (!started) return;
  Seen sidecars;  // which run again whatever the pod's policy is
  for (const Container& container : spec.init_containers()) {
    if (container.restart_policy() == "Always") sidecars.add(container.name());
  }
  validate_ended_containers(
      errors, Path("status.initContainerStatuses"), now.status().init_container_statuses(),
      before.status().init_container_statuses(), [&](const std::string& name, int32_t exit_code) {
        return (on_failure && exit_code != 0) || sidecars.contains(name);
      });
}

}  // namespace

void validate(Errors& errors, const Pod& pod) {
  validate_pod_annotations(errors, Path("metadata.annotations"), pod.metadata().annotations());
  validate_pod_spec(errors, Path("spec"), pod.spec());
  if (!pod.spec().ephemeral_containers().empty()) {
    errors.forbidden(Path("spec.ephemeralContainers"), "cannot be set on create");
  }
  if (!pod.spec().scheduling_gates().empty() && !pod.spec().node_name().empty()) {
    errors.forbidden(Path("spec.nodeName"),
                     "cannot be set until all schedulingGates have been cleared");
  }
}

void validate_change(Errors& errors, const Pod& now, const Pod& before) {
  validate_pod_annotations(errors, Path("metadata.annotations"), now.metadata().annotations());
  // Most updates touch labels, owners or finalizers only.
  if (same(now.spec(), before.spec())) return;
  validate_pod_spec(errors, Path("spec"), now.spec());
  if (now.spec().containers_size() != before.spec().containers_size()) {
    errors.forbidden(Path("spec.containers"), "pod updates may not add or remove containers");
    return;
  }
  if (now.spec().init_containers_size() != before.spec().init_containers_size()) {
    errors.forbidden(Path("spec.initContainers"), "pod updates may not add or remove containers");
    return;
  }
  validate_deadline_change(errors, now.spec(), before.spec());
  validate_toleration_change(errors, now.spec(), before.spec());
  validate_gate_change(errors, now.spec(), before.spec());
  if (!same(without_allowed_changes(now.spec(), before.spec()), before.spec())) {
    errors.forbidden(Path("spec"), fixed_reason);
  }
}

// They are only ever added: what somebody looks at a pod with is part of what has happened to it.
void validate_ephemeral_containers_change(Errors& errors, const Pod& now, const Pod& before) {
  const Path path("spec.ephemeralContainers");
  if (!same(now.spec(), before.spec())) validate_pod_spec(errors, Path("spec"), now.spec());
  for (const EphemeralContainer& old : before.spec().ephemeral_containers()) {
    const std::string& name = old.ephemeral_container_common().name();
    const auto& all = now.spec().ephemeral_containers();
    const auto found = std::find_if(all.begin(), all.end(), [&](const EphemeralContainer& one) {
      return one.ephemeral_container_common().name() == name;
    });
    const std::string what = "existing ephemeral containers \"" + name + "\" may not be ";
    if (found == all.end()) {
      errors.forbidden(path, what + "removed\n");
    } else if (!same(*found, old)) {
      errors.forbidden(path, what + "changed\n");
    }
  }
}

void validate_status_change(Errors& errors, const Pod& now, const Pod& before) {
  const PodStatus& status = now.status();
  if (now.spec().node_name() != before.spec().node_name()) {
    errors.forbidden(Path("status.nodeName"), "may not be changed directly");
  }
  if (!status.nominated_node_name().empty()) {
    errors.invalid(Path("status.nominatedNodeName"), status.nominated_node_name(),
                   check_dns1123_subdomain(status.nominated_node_name()));
  }
  check_one_of<PodStatus>(errors, Path("status.phase"), PodStatus::kPhaseFieldNumber,
                          status.phase(), Empty::allowed);
  validate_ended(errors, now, before);
  if (!status.host_ip().empty()) check_ip(errors, Path("status.hostIP"), status.host_ip());
  const Path ips("status.podIPs");
  for (int i = 0; i < status.pod_ips_size(); ++i) {
    check_ip(errors, ips.index(i), status.pod_ips(i).ip());
  }
}

}  // namespace keelson::api
