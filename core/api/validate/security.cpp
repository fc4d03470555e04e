// What pods and containers may do on their node.
#include <limits>

#include "core/api/validate/validators.hpp"

namespace keelson::api {
namespace {

void check_id(Errors& errors, const Path& path, int64_t id) {
  if (id < 0 || id > std::numeric_limits<int32_t>::max()) {
    errors.invalid(path, id, "must be between 0 and 2147483647, inclusive");
  }
}

template <class Context>
void validate_users(Errors& errors, const Path& path, const Context& context) {
  if (context.has_run_as_user()) check_id(errors, path.child("runAsUser"), context.run_as_user());
  if (context.has_run_as_group()) {
    check_id(errors, path.child("runAsGroup"), context.run_as_group());
  }
}

template <class Profile>
void validate_profile(Errors& errors, const Path& path, const Profile& profile,
                      std::string_view what) {
  check_one_of<Profile>(errors, path.child("type"), Profile::kTypeFieldNumber, profile.type());
  if (profile.type() == "Localhost") {
    if (profile.localhost_profile().empty()) {
      errors.required(path.child("localhostProfile"),
                      "must be set when " + std::string(what) + " type is Localhost");
    }
  } else if (profile.has_localhost_profile()) {
    errors.invalid(path.child("localhostProfile"), profile.localhost_profile(),
                   "can only be set when " + std::string(what) + " type is Localhost");
  }
}

template <class Context>
void validate_profiles(Errors& errors, const Path& path, const Context& context) {
  if (context.has_seccomp_profile()) {
    validate_profile(errors, path.child("seccompProfile"), context.seccomp_profile(), "seccomp");
  }
  if (context.has_app_armor_profile()) {
    validate_profile(errors, path.child("appArmorProfile"), context.app_armor_profile(),
                     "AppArmor");
  }
}

// In its node's network a container listens on the node's port itself.
void check_host_network_ports(Errors& errors, const Path& path, const PodSpec& spec) {
  const Path containers = path.child("containers");
  for (int i = 0; i < spec.containers_size(); ++i) {
    const Path container = containers.index(i);
    const Path ports = container.child("ports");
    for (int j = 0; j < spec.containers(i).ports_size(); ++j) {
      const ContainerPort& port = spec.containers(i).ports(j);
      // A template leaves the host port open; it is filled in when a pod is made of it.
      if (port.host_port() == port.container_port() || port.host_port() == 0) continue;
      errors.invalid(ports.index(j).child("containerPort"), port.container_port(),
                     "must match `hostPort` when `hostNetwork` is true");
    }
  }
}

}  // namespace

void validate_container_security(Errors& errors, const Path& path, const SecurityContext& context) {
  validate_users(errors, path, context);
  check_one_of<SecurityContext>(errors, path.child("procMount"),
                                SecurityContext::kProcMountFieldNumber, context.proc_mount(),
                                Empty::allowed);
  validate_profiles(errors, path, context);
  if (context.has_allow_privilege_escalation() && !context.allow_privilege_escalation()) {
    if (context.privileged()) {
      errors.invalid_shown(
          path, go_value(context),
          "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    const auto& added = context.capabilities().add();
    for (const std::string& capability : added) {
      if (capability != "CAP_SYS_ADMIN" && capability != "SYS_ADMIN") continue;
      errors.invalid_shown(path, go_value(context),
                           "cannot set `allowPrivilegeEscalation` to false and "
                           "`capabilities.Add` CAP_SYS_ADMIN");
    }
  }
}

void validate_pod_security(Errors& errors, const Path& path, const PodSpec& spec) {
  if (spec.host_network()) check_host_network_ports(errors, path, spec);
  const PodSecurityContext& context = spec.security_context();
  const Path place = path.child("securityContext");
  if (context.has_fs_group()) check_id(errors, place.child("fsGroup"), context.fs_group());
  validate_users(errors, place, context);
  const Path groups = place.child("supplementalGroups");
  for (int i = 0; i < context.supplemental_groups_size(); ++i) {
    check_id(errors, groups.index(i), context.supplemental_groups(i));
  }
  if (spec.share_process_namespace() && spec.host_pid()) {
    errors.invalid_shown(place.child("shareProcessNamespace"), "true",
                         "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  const Path sysctls = place.child("sysctls");
  Seen names;
  for (int i = 0; i < context.sysctls_size(); ++i) {
    const Path name = sysctls.index(i);
    if (context.sysctls(i).name().empty()) errors.required(name.child("name"));
    if (!names.add(context.sysctls(i).name())) {
      errors.duplicate(name.child("name"), context.sysctls(i).name());
    }
  }
  check_one_of<PodSecurityContext>(errors, place.child("fsGroupChangePolicy"),
                                   PodSecurityContext::kFsGroupChangePolicyFieldNumber,
                                   context.fs_group_change_policy(), Empty::allowed);
  check_one_of<PodSecurityContext>(errors, place.child("supplementalGroupsPolicy"),
                                   PodSecurityContext::kSupplementalGroupsPolicyFieldNumber,
                                   context.supplemental_groups_policy(), Empty::allowed);
  validate_profiles(errors, place, context);
}

}  // namespace keelson::api
