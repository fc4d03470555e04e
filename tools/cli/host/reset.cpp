// `keelson reset`: removes what init and join have made on this host, and nothing else.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cxxopts.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "runtime/pki/files.hpp"
#include "runtime/process/config.hpp"
#include "runtime/process/node_remains.hpp"
#include "runtime/volumes/files.hpp"
#include "runtime/volumes/mounts.hpp"
#include "tools/cli/host/cluster_objects.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/services.hpp"

namespace keelson::cli {

namespace fs = std::filesystem;

namespace {

int reset_fails(const std::string& why) {
  std::fprintf(stderr, "keelson reset: %s\n", why.c_str());
  return 1;
}

// The shims of our containerd outlive it: what is left of them is found by its socket among their
// arguments. As a whole: the sockets of hosts below other roots end with the same words.
void end_shims(const std::string& socket) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    bool shim = false, ours = false;
    for (std::string argument; std::getline(in, argument, '\0');) {
      shim = shim || argument.find("containerd-shim") != argument.npos;
      ours = ours || argument == socket;
    }
    if (shim && ours) ::kill(static_cast<pid_t>(std::stol(name)), SIGKILL);
  }
}

// With nothing mounted in it any more: behind a mount, say of a part of a hostPath volume, lies what is
// the host's. What cannot be unmounted stops the removal.
Status remove_folder(const std::string& directory) {
  std::error_code error;
  // The kernel names mounts by their true paths.
  const fs::path real = fs::canonical(directory, error);
  if (error == std::errc::no_such_file_or_directory) return volumes::remove_tree(directory);
  if (error) return {Code::unavailable, "cannot find " + directory + ": " + error.message()};
  if (Status status = volumes::unmount_below(real); !status) return status;
  if (Status status = volumes::remove_tree(real); !status) return status;
  return volumes::remove_tree(directory);  // a link to it
}

// Nullopt: this host is no node. An error is not the same: the node's containers, routes and rules can
// only be found by its configuration.
Result<std::optional<runtime::NodeConfig>> node_of(const Layout& layout) {
  const auto text = runtime::read_file(layout.node_config());
  if (!text && text.code() == Code::not_found) return std::optional<runtime::NodeConfig>();
  if (!text) return text.error();
  auto config = runtime::parse_node_config(*text, layout.node_config());
  if (!config) return config.error();
  return std::optional(std::move(*config));
}

bool confirmed() {
  std::printf("This removes the cluster's state on this host, with all its containers. Go on? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// Nodes are told not to look for an API server here any more. With the last one, or without a store,
// there is nobody to tell.
void leave_servers(const Layout& layout) {
  const auto text = runtime::read_file(layout.control_plane_config());
  if (!text) return;
  const auto config = runtime::parse_control_plane_config(*text, layout.control_plane_config());
  auto api = AdminApi::of_host(layout);
  if (!config || !api || !api->get("/readyz")) return;
  const auto facts = read_facts(*api);
  const std::string url = "https://" + config->advertise_address + ":" + std::to_string(config->port);
  if (!facts || facts->servers == std::vector<std::string>{url}) return;
  if (runtime::read_file(layout.redis_config())) {
    std::puts("[reset] this host has the store of the cluster: the other control planes end with it");
  }
  if (unlist_server(*api, url)) std::printf("[reset] nodes do not look for %s any more\n", url.c_str());
}

int reset(const Layout& layout) {
  const auto node = node_of(layout);
  if (!node) {
    return reset_fails(node.error().message +
                "\nNothing was removed: the node's containers, routes and rules are found by this file. "
                "Mend it, or delete it to leave them behind.");
  }
  Services services(layout, Services::kind_for(layout));
  int problems = 0;
  const auto note = [&](const Status& status) {
    if (status) return;
    std::fprintf(stderr, "keelson reset: %s\n", status.message().c_str());
    ++problems;
  };
  leave_servers(layout);
  note(services.stop("keelson-node"));
  if (*node) {
    const Status removed = runtime::remove_node_remains(**node);
    note(removed);
    if (removed) std::puts("[reset] removed containers, routes and rules");
  }
  for (const char* name : {"keelson-containerd", "keelson-control-plane", "keelson-redis"}) {
    note(services.stop(name));
  }
  end_shims(layout.containerd_socket());
  // Logs of containers: only those of a node of ours, which has its own folder unless it is the host's.
  if (!layout.root.empty()) note(remove_folder(layout.pod_logs()));
  for (const std::string& directory :
       {layout.run(), layout.lib(), layout.log(), layout.etc()}) {
    note(remove_folder(directory));
  }
  std::puts(problems == 0 ? "[reset] this host is as it was" : "[reset] not everything could be removed");
  return problems == 0 ? 0 : 1;
}

}  // namespace

int reset(int argc, char** argv) {
  cxxopts::Options parser("keelson reset",
                          "Ends what `keelson init` and `keelson join` have started on this host and "
                          "removes what they made.\n");
  parser.add_options()("f,force", "do not ask")(
      "root", "as given to init or join", cxxopts::value<std::string>()->default_value(""), "DIR")(
      "h,help", "show this");
  try {
    const auto flags = parser.parse(argc, argv);
    if (flags.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    if (!flags.unmatched().empty()) return reset_fails("unexpected argument " + flags.unmatched().front());
    if (::geteuid() != 0) return reset_fails("not root: run it with sudo");
    Layout layout{flags["root"].as<std::string>()};
    while (layout.root.ends_with('/')) layout.root.pop_back();
    if (!flags.count("force") && !confirmed()) return 1;
    return reset(layout);
  } catch (const std::exception& e) {
    return reset_fails(e.what());
  }
}

}  // namespace keelson::cli
