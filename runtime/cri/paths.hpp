// Where the files of pods lie on the host. Pure; the layout of the logs is the kubelet's, so that
// log collectors find what they look for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keelson::cri {

struct PodName {
  std::string uid, ns, name;
};

// "<logs>/<ns>_<name>_<uid>": a pod's log directory.
std::string pod_log_directory(std::string_view logs, const PodName& pod);
// "<container>/<attempt>.log": a container's log within it. Rotated ones have ".<time>" appended.
std::string container_log_path(std::string_view container, uint32_t attempt);

// "<state>/pods/<uid>": what this library and volumes keep of a pod.
std::string pod_directory(std::string_view state, std::string_view uid);
// "etc-hosts" in it: the pod's /etc/hosts.
std::string hosts_path(std::string_view state, std::string_view uid);
// "containers/<container>/<attempt>" in it: the container's termination message.
std::string termination_path(std::string_view state, std::string_view uid,
                             std::string_view container, uint32_t attempt);

}  // namespace keelson::cri
