#include "runtime/cri/security.hpp"

#include <fmt/format.h>

namespace keelson::cri {

namespace {

// What a container is not shown of /proc and /sys, unless its procMount is Unmasked: a runtime
// hides nothing by itself. Source: Kubernetes' defaultMaskedPaths and defaultReadonlyPaths.
constexpr const char* kMasked[] = {"/proc/asound",
                                   "/proc/acpi",
                                   "/proc/kcore",
                                   "/proc/keys",
                                   "/proc/latency_stats",
                                   "/proc/timer_list",
                                   "/proc/timer_stats",
                                   "/proc/sched_debug",
                                   "/proc/scsi",
                                   "/sys/firmware",
                                   "/sys/devices/virtual/powercap"};
constexpr const char* kReadOnly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                     "/proc/sysrq-trigger"};

std::string_view without_prefix(std::string_view capability) {
  return capability.starts_with("CAP_") ? capability.substr(4) : capability;
}

void fill(const api::SELinuxOptions& from, wire::SELinuxOption& to) {
  to.set_user(from.user());
  to.set_role(from.role());
  to.set_type(from.type());
  to.set_level(from.level());
}

wire::SecurityProfile seccomp_of(const api::SeccompProfile* profile, const std::string& directory,
                                 wire::SecurityProfile::ProfileType otherwise) {
  wire::SecurityProfile out;
  out.set_profile_type(profile ? wire::SecurityProfile::Unconfined : otherwise);
  if (!profile) return out;
  if (profile->type() == "RuntimeDefault") {
    out.set_profile_type(wire::SecurityProfile::RuntimeDefault);
  } else if (profile->type() == "Localhost") {
    out.set_profile_type(wire::SecurityProfile::Localhost);
    out.set_localhost_ref(directory + "/" + profile->localhost_profile());
  }
  return out;
}

void fill(const api::AppArmorProfile& from, wire::SecurityProfile& to) {
  if (from.type() == "Unconfined") to.set_profile_type(wire::SecurityProfile::Unconfined);
  if (from.type() != "Localhost") return;
  to.set_profile_type(wire::SecurityProfile::Localhost);
  to.set_localhost_ref(from.localhost_profile());
}

std::optional<int64_t> user_of(const api::PodSpec& spec, const api::Container& container) {
  if (container.security_context().has_run_as_user()) {
    return container.security_context().run_as_user();
  }
  if (spec.security_context().has_run_as_user()) return spec.security_context().run_as_user();
  return std::nullopt;
}

std::optional<int64_t> group_of(const api::PodSpec& spec, const api::Container& container) {
  if (container.security_context().has_run_as_group()) {
    return container.security_context().run_as_group();
  }
  if (spec.security_context().has_run_as_group()) return spec.security_context().run_as_group();
  return std::nullopt;
}

bool non_root(const api::PodSpec& spec, const api::Container& container) {
  const api::SecurityContext& own = container.security_context();
  return own.has_run_as_non_root() ? own.run_as_non_root()
                                   : spec.security_context().run_as_non_root();
}

bool any_privileged(const api::PodSpec& spec) {
  for (const auto* list : {&spec.containers(), &spec.init_containers()}) {
    for (const api::Container& container : *list) {
      if (container.security_context().privileged()) return true;
    }
  }
  for (const api::EphemeralContainer& container : spec.ephemeral_containers()) {
    if (container.ephemeral_container_common().security_context().privileged()) return true;
  }
  return false;
}

template <class Security>
void add_groups(const api::PodSecurityContext& pod, Security& to) {
  for (const int64_t group : pod.supplemental_groups()) to.add_supplemental_groups(group);
  if (pod.has_fs_group()) to.add_supplemental_groups(pod.fs_group());
}

void limit_proc(const std::string& proc_mount, wire::LinuxContainerSecurityContext& to) {
  if (proc_mount == "Unmasked") return;
  for (const char* path : kMasked) to.add_masked_paths(path);
  for (const char* path : kReadOnly) to.add_readonly_paths(path);
}

}  // namespace

wire::NamespaceOption pod_namespaces(const api::PodSpec& spec) {
  wire::NamespaceOption out;
  out.set_network(spec.host_network() ? wire::NODE : wire::POD);
  out.set_ipc(spec.host_ipc() ? wire::NODE : wire::POD);
  out.set_pid(spec.host_pid()                  ? wire::NODE
              : spec.share_process_namespace() ? wire::POD
                                               : wire::CONTAINER);
  return out;
}

wire::LinuxSandboxSecurityContext sandbox_security(const api::PodSpec& spec,
                                                   const std::string& seccomp_directory) {
  wire::LinuxSandboxSecurityContext out;
  const api::PodSecurityContext& pod = spec.security_context();
  *out.mutable_namespace_options() = pod_namespaces(spec);
  out.set_privileged(any_privileged(spec));
  if (pod.has_run_as_user()) out.mutable_run_as_user()->set_value(pod.run_as_user());
  if (pod.has_run_as_user() && pod.has_run_as_group()) {
    out.mutable_run_as_group()->set_value(pod.run_as_group());
  }
  add_groups(pod, out);
  if (pod.has_se_linux_options()) fill(pod.se_linux_options(), *out.mutable_selinux_options());
  // The process that only waits needs next to no system calls.
  *out.mutable_seccomp() =
      seccomp_of(pod.has_seccomp_profile() ? &pod.seccomp_profile() : nullptr, seccomp_directory,
                 wire::SecurityProfile::RuntimeDefault);
  return out;
}

wire::LinuxContainerSecurityContext container_security(const api::PodSpec& spec,
                                                       const api::Container& container,
                                                       const std::string& seccomp_directory,
                                                       bool seccomp_default) {
  wire::LinuxContainerSecurityContext out;
  const api::PodSecurityContext& pod = spec.security_context();
  const api::SecurityContext& own = container.security_context();
  *out.mutable_namespace_options() = pod_namespaces(spec);
  out.set_privileged(own.privileged());
  out.set_readonly_rootfs(own.read_only_root_filesystem());
  out.set_no_new_privs(own.has_allow_privilege_escalation() && !own.allow_privilege_escalation());
  if (const auto user = user_of(spec, container)) out.mutable_run_as_user()->set_value(*user);
  if (const auto group = group_of(spec, container)) out.mutable_run_as_group()->set_value(*group);
  add_groups(pod, out);
  for (const std::string& name : own.capabilities().add()) {
    out.mutable_capabilities()->add_add_capabilities(std::string(without_prefix(name)));
  }
  for (const std::string& name : own.capabilities().drop()) {
    out.mutable_capabilities()->add_drop_capabilities(std::string(without_prefix(name)));
  }
  if (own.has_se_linux_options()) {
    fill(own.se_linux_options(), *out.mutable_selinux_options());
  } else if (pod.has_se_linux_options()) {
    fill(pod.se_linux_options(), *out.mutable_selinux_options());
  }
  const api::SeccompProfile* seccomp = own.has_seccomp_profile()   ? &own.seccomp_profile()
                                       : pod.has_seccomp_profile() ? &pod.seccomp_profile()
                                                                   : nullptr;
  // A privileged container may load kernel modules: a filter of calls would only break it.
  *out.mutable_seccomp() = seccomp_of(seccomp, seccomp_directory,
                                      seccomp_default && !own.privileged()
                                          ? wire::SecurityProfile::RuntimeDefault
                                          : wire::SecurityProfile::Unconfined);
  if (own.has_app_armor_profile()) {
    fill(own.app_armor_profile(), *out.mutable_apparmor());
  } else if (pod.has_app_armor_profile()) {
    fill(pod.app_armor_profile(), *out.mutable_apparmor());
  }
  limit_proc(own.proc_mount(), out);
  return out;
}

bool needs_image_user(const api::PodSpec& spec, const api::Container& container) {
  if (user_of(spec, container)) return non_root(spec, container);
  return non_root(spec, container) || group_of(spec, container).has_value();
}

Status settle_user(const api::PodSpec& spec, const api::Container& container,
                   const ImageUser& image, wire::LinuxContainerSecurityContext& security) {
  const std::optional<int64_t> user = user_of(spec, container);
  if (non_root(spec, container)) {
    if (user && *user == 0) {
      return {Code::invalid, fmt::format("container's runAsUser breaks non-root policy (container: "
                                         "{})",
                                         container.name())};
    }
    if (!user && image.id.value_or(image.name.empty() ? 0 : 1) == 0) {
      return {Code::invalid, fmt::format("container has runAsNonRoot and image will run as root "
                                         "(container: {})",
                                         container.name())};
    }
    if (!user && !image.id) {
      return {Code::invalid,
              fmt::format("container has runAsNonRoot and image has non-numeric user ({}), cannot "
                          "verify user is non-root (container: {})",
                          image.name, container.name())};
    }
  }
  if (user) return {};
  if (image.id || image.name.empty()) {
    security.mutable_run_as_user()->set_value(image.id.value_or(0));
  } else {
    security.set_run_as_username(image.name);
  }
  return {};
}

}  // namespace keelson::cri
