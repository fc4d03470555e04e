// What a pod's imagePullSecrets say to the registry of an image. Pure.
// Source: kubelet's credentialprovider (how keys match, and in which order they are tried).
#pragma once

#include <string_view>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/agent/references.hpp"

namespace keelson::agent {

// All of them optional: a pull without what is missing may succeed.
std::vector<Reference> pull_secret_references(const api::PodSpec& spec);

// `image`: normalized ("docker.io/library/nginx:latest"). `secrets`: of the types
// kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg; null and whatever cannot be read is
// passed over. The most specific keys come first. At most 32.
std::vector<RegistryCredentials> credentials_for(std::string_view image,
                                                 const std::vector<api::ObjectPtr>& secrets);

}  // namespace keelson::agent
