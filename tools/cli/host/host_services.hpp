// The services of a host, as its configuration says: what init and join have set up, and what a host
// without systemd starts again after it was off.
#pragma once

#include <vector>

#include "core/base/result.hpp"
#include "tools/cli/host/layout.hpp"
#include "tools/cli/host/services.hpp"

namespace keelson::cli {

inline constexpr const char* kRedisService = "keelson-redis";
inline constexpr const char* kControlPlaneService = "keelson-control-plane";
inline constexpr const char* kContainerdService = "keelson-containerd";
inline constexpr const char* kNodeService = "keelson-node";

// In the order in which they are to be started; empty: the host is no control plane, or no node.
std::vector<ServiceSpec> control_plane_services(const Layout& layout);
std::vector<ServiceSpec> node_services(const Layout& layout);

}  // namespace keelson::cli
