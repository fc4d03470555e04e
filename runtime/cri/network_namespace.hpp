// Where a sandbox's network is, from what the runtime says of itself when asked at length.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "runtime/cri/wire.hpp"

namespace keelson::cri {

// The file of its network namespace; empty: it is in the host's network. Code::unavailable: the runtime
// does not say. Source: containerd's verbose PodSandboxStatus, whose "info" is JSON with the pause
// process's pid and runtimeSpec (OCI's config.json).
Result<std::string> network_namespace_of(const wire::PodSandboxStatusResponse& answer);

}  // namespace keelson::cri
