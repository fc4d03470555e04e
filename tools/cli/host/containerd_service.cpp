#include "tools/cli/host/containerd_service.hpp"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "runtime/pki/files.hpp"
#include "tools/cli/host/host.hpp"

namespace keelson::cli {

namespace {

bool exists(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

// Whether processes may be made less likely to be killed than this one. Sandboxes ask for it; where
// that is not allowed, runc fails without a word about why.
bool may_lower_oom_score() {
  constexpr int kSysResource = 24;  // CAP_SYS_RESOURCE
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> kSysResource & 1) != 0;
    }
  }
  return true;
}

}  // namespace

Status prepare_containerd(const Layout& layout) {
  const std::string program = find_program("containerd");
  if (program.empty()) {
    return {Code::not_found, "containerd is not installed: apt-get install containerd"};
  }
  // Debian puts the plugins where containerd does not look by itself.
  const std::string plugins = exists("/usr/lib/cni/bridge") ? "/usr/lib/cni" : "/opt/cni/bin";
  const bool systemd_cgroups =
      exists("/run/systemd/system") && exists("/sys/fs/cgroup/cgroup.controllers");
  std::ostringstream out;
  out << "# Written by keelson join.\n"
         "version = 2\n"
         "root = \"" << layout.lib() << "/containerd\"\n"
         "state = \"" << layout.run() << "/containerd\"\n"
         "disabled_plugins = [\"io.containerd.snapshotter.v1.aufs\", "
         "\"io.containerd.snapshotter.v1.btrfs\", \"io.containerd.snapshotter.v1.devmapper\", "
         "\"io.containerd.snapshotter.v1.zfs\", \"io.containerd.internal.v1.tracing\"]\n"
         "\n[grpc]\n  address = \"" << layout.containerd_socket() << "\"\n"
         "\n[plugins.\"io.containerd.grpc.v1.cri\"]\n"
         "  sandbox_image = \"registry.k8s.io/pause:3.6\"\n"
         "  restrict_oom_score_adj = " << (may_lower_oom_score() ? "false" : "true") << "\n"
         "  stream_server_address = \"127.0.0.1\"\n"
         "  stream_server_port = \"0\"\n"
         "  [plugins.\"io.containerd.grpc.v1.cri\".cni]\n"
         "    bin_dir = \"" << plugins << "\"\n"
         "    conf_dir = \"" << layout.cni() << "\"\n"
         "  [plugins.\"io.containerd.grpc.v1.cri\".registry]\n"
         "    config_path = \"" << layout.etc() << "/registries\"\n"
         "  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n"
         "    runtime_type = \"io.containerd.runc.v2\"\n"
         "  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n"
         "    SystemdCgroup = " << (systemd_cgroups ? "true" : "false") << "\n";
  if (Status made = runtime::make_private_directory(layout.cni()); !made) return made;
  if (Status status = runtime::write_private_file(layout.containerd_config(), out.str()); !status) {
    return status;
  }
  return {};
}

}  // namespace keelson::cli
