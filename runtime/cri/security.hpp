// Security contexts and namespaces, from a pod's spec to CRI's terms. Pure.
// Source: kubelet's kuberuntime security_context.go, util.go and namespaces.
#pragma once

#include <optional>
#include <string>

#include "core/api/types.hpp"
#include "core/base/result.hpp"
#include "runtime/cri/wire.hpp"

namespace keelson::cri {

wire::NamespaceOption pod_namespaces(const api::PodSpec& spec);
wire::LinuxSandboxSecurityContext sandbox_security(const api::PodSpec& spec,
                                                   const std::string& seccomp_directory);
// `seccomp_default`: a container that says nothing has the runtime's profile, unless it is privileged;
// otherwise none. Source: kubelet's SeccompDefault.
wire::LinuxContainerSecurityContext container_security(const api::PodSpec& spec,
                                                       const api::Container& container,
                                                       const std::string& seccomp_directory,
                                                       bool seccomp_default = true);

// Whether the image's own user matters: runAsNonRoot has to be verified, or a group needs a user.
bool needs_image_user(const api::PodSpec& spec, const api::Container& container);

// The user that an image asks for; neither: root.
struct ImageUser {
  std::optional<int64_t> id;
  std::string name;
};
// Verifies runAsNonRoot, and fills in the user that a runAsGroup goes with. Code::invalid.
Status settle_user(const api::PodSpec& spec, const api::Container& container,
                   const ImageUser& image, wire::LinuxContainerSecurityContext& security);

}  // namespace keelson::cri
