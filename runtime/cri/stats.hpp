// What the containers of this node use, for the kubelet's summary, `kubectl top` and eviction. The
// numbers are containerd's, which are those of the containers' cgroups.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/time.hpp"

namespace keelson::cri {

struct ContainerUsage {
  std::string container_id;
  std::string pod_uid, pod_ns, pod_name, name;
  WallTime at;                      // when it was measured
  uint64_t cpu_ns = 0;              // processor time since the container's start
  uint64_t memory_working_set = 0;  // bytes
  uint64_t writable_layer = 0;      // bytes; measured every ten seconds
  uint64_t writable_layer_inodes = 0;
};

// Of this agent's running containers, sorted by pod and name.
using NodeUsage = std::vector<ContainerUsage>;

}  // namespace keelson::cri
