// What a process inside a simulated container sees of the world.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/api/types.hpp"
#include "core/base/time.hpp"

namespace keelson::sim {

struct Inside {
  std::string ns, pod, hostname, ip, node, container, image;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<uint16_t> ports;  // that the pod's containers listen on
  std::string server;           // which one of agnhost's servers its first container runs
  std::string more_hosts;       // lines at the end of /etc/hosts
  int64_t user = 0;
  // Its root file system is read-only, but for these paths.
  std::optional<std::vector<std::string>> writable;
};

// `container` is one of the pod's; empty: the pod as a whole. `environment`: its variables as the node's
// agent has resolved them; nullptr: that is forgotten.
Inside look_inside(const api::Pod& pod, const std::string& node, const std::string& container,
                   const agent::Environment* environment = nullptr);

// The container's entry of the pod's spec, if there is one.
std::optional<api::Container> find_container(const api::Pod& pod, const std::string& name);
// What it runs: command and args, after the image's entry point if that is known here and not replaced.
std::vector<std::string> whole_command(const std::string& image, std::vector<std::string> command,
                                       const std::vector<std::string>& args);
std::vector<std::string> command_of(const api::Container& container);
// Of "registry:5000/library/nginx:1.25": "nginx".
std::string image_name(const std::string& image);
// Ports declared, or, where nothing is declared, those that a well-known image listens on.
std::vector<uint16_t> ports_of(const api::Container& container);

// "Thu Jan  1 00:00:00 UTC 2026", as `date` says it.
std::string date_text(WallTime at);
// "01/Jan/2026:00:00:00 +0000", as access logs say it.
std::string access_log_time(WallTime at);

// A small page in answer to an HTTP request, whole: status line, headers, body.
struct PageRequest {
  std::string method, target, host;
  bool keep_alive = true;
};
std::string page_text(const Inside& inside, const std::string& target);
std::string http_page(const Inside& inside, const PageRequest& request, WallTime at);

}  // namespace keelson::sim
