#include "tools/cli/host/host_services.hpp"

#include <sys/stat.h>

#include "tools/cli/host/host.hpp"

namespace keelson::cli {

namespace {

bool installed(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

}  // namespace

std::vector<ServiceSpec> control_plane_services(const Layout& layout) {
  std::vector<ServiceSpec> out;
  if (!installed(layout.control_plane_config())) return out;
  std::vector<std::string> after;
  if (installed(layout.redis_config())) {
    out.push_back({.name = kRedisService,
                   .description = "Redis of the Keelson control plane",
                   .command = {find_program("redis-server"), layout.redis_config()}});
    after.emplace_back(kRedisService);
  }
  out.push_back({.name = kControlPlaneService,
                 .description = "Keelson control plane",
                 .command = {own_path(), "control-plane", "--config", layout.control_plane_config()},
                 .after = std::move(after)});
  return out;
}

std::vector<ServiceSpec> node_services(const Layout& layout) {
  std::vector<ServiceSpec> out;
  if (!installed(layout.node_config())) return out;
  std::vector<std::string> after;
  if (installed(layout.containerd_config())) {
    out.push_back({.name = kContainerdService,
                   .description = "containerd of the Keelson node",
                   .command = {find_program("containerd"), "--config", layout.containerd_config()},
                   .leaves_children = true});
    after.emplace_back(kContainerdService);
  }
  out.push_back({.name = kNodeService,
                 .description = "Keelson node agent",
                 .command = {own_path(), "node", "--config", layout.node_config()},
                 .after = std::move(after),
                 .leaves_children = true});
  return out;
}

}  // namespace keelson::cli
