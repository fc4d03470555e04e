#include "runtime/cri/paths.hpp"

#include <fmt/format.h>

namespace keelson::cri {

std::string pod_log_directory(std::string_view logs, const PodName& pod) {
  return fmt::format("{}/{}_{}_{}", logs, pod.ns, pod.name, pod.uid);
}

std::string container_log_path(std::string_view container, uint32_t attempt) {
  return fmt::format("{}/{}.log", container, attempt);
}

std::string pod_directory(std::string_view state, std::string_view uid) {
  return fmt::format("{}/pods/{}", state, uid);
}

std::string hosts_path(std::string_view state, std::string_view uid) {
  return pod_directory(state, uid) + "/etc-hosts";
}

std::string termination_path(std::string_view state, std::string_view uid,
                             std::string_view container, uint32_t attempt) {
  return fmt::format("{}/containers/{}/{}", pod_directory(state, uid), container, attempt);
}

}  // namespace keelson::cri
