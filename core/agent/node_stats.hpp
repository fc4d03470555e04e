// The NodeStats port: what the host has left, and what pods use of it. For evictions and for the
// collection of images; a simulated node has none, and then neither happens.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/callback.hpp"

namespace keelson::agent {

struct FilesystemStats {
  uint64_t capacity_bytes = 0, available_bytes = 0;  // capacity 0: not known
  uint64_t inodes = 0, inodes_free = 0;              // 0 inodes: the file system does not count them
};

struct ContainerUsage {
  uint64_t memory_bytes = 0;  // the working set: without caches that can be dropped
  uint64_t disk_bytes = 0;    // of its writable layer
  uint64_t inodes = 0;        // likewise
  uint64_t processes = 0;
};
// By pod uid, then by container name.
using PodUsages = std::map<std::string, std::map<std::string, ContainerUsage>>;

struct NodeMeasurement {
  uint64_t memory_capacity_bytes = 0, memory_available_bytes = 0;
  uint64_t pids_max = 0, pids_used = 0;
  FilesystemStats node_fs;   // where pods' volumes are
  FilesystemStats image_fs;  // where images and writable layers are
  PodUsages pods;
};

class NodeStats {
 public:
  virtual ~NodeStats() = default;

  // `image_path`: a directory on the file system of images; empty: that of the node.
  // Code::unavailable: it cannot be measured now.
  virtual void measure(std::string image_path, Done<NodeMeasurement> done) = 0;
};

}  // namespace keelson::agent
