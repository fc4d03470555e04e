// The files that a pod needs on the host beside its volumes: its log directory, /etc/hosts, and the
// files into which containers write why they ended. Small and local, so done on the core thread.
// Errors: Code::unavailable with the path and the reason.
#pragma once

#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/base/result.hpp"
#include "runtime/cri/paths.hpp"

namespace keelson::cri {

// Kubernetes' bounds of a termination message, and of one that is taken from the log's end.
inline constexpr std::size_t termination_message_max = 4096;
inline constexpr std::size_t termination_log_max = 2048;
inline constexpr int termination_log_lines = 80;

// The text of a pod's /etc/hosts. `full_name` may be empty.
std::string hosts_text(const std::string& ip, const std::string& full_name,
                       const std::string& hostname, const api::PodSpec& spec);
// Of a pod in the host's network: the node's own, and the pod's aliases.
std::string hosts_text_on_node(const std::string& node_hosts, const api::PodSpec& spec);

class PodFiles {
 public:
  PodFiles(std::string logs, std::string state)
      : logs_(std::move(logs)), state_(std::move(state)) {}

  Status make_log_directory(const PodName& pod);
  Status make_log_directory(const PodName& pod, const std::string& container);
  // Yields the path of the file.
  Result<std::string> write_hosts(const std::string& uid, const std::string& text);
  Result<std::string> make_termination_file(const std::string& uid, const std::string& container,
                                            uint32_t attempt);
  // Empty when there is none. UTF-8.
  std::string termination_message(const std::string& uid, const std::string& container,
                                  uint32_t attempt) const;
  std::string log_tail(const PodName& pod, const std::string& container, uint32_t attempt) const;

  std::string log_file(const PodName& pod, const std::string& container, uint32_t attempt) const;
  // A container that was removed: its logs, also those put aside, and its message.
  void forget_container(const PodName& pod, const std::string& container, uint32_t attempt);
  // A pod of which nothing is left. What others keep in its directory stays.
  void forget_pod(const PodName& pod);

 private:
  std::string logs_, state_;
};

// The whole file, or its last `bytes_max`; empty if it cannot be read.
std::string read_tail(const std::string& path, std::size_t bytes_max);

}  // namespace keelson::cri
