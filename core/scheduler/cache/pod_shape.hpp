// Pods that ask the same of a node have one shape: the replicas of a workload, and of all workloads
// that differ in labels and names only. What is found out about a shape and a node need not be found
// out again (framework/shape_memory.hpp).
#pragma once

#include <cstdint>
#include <string>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/base/hash.hpp"

namespace keelson::scheduler {

struct PodInfo;

using PodShape = uint32_t;  // 0: of no known shape

class PodShapes {
 public:
  // Pods of equal priority, preemption policy, requests, tolerations, host ports, node selector and
  // affinity to nodes, images, and node name have equal shapes. Labels, owners, and what the pod says
  // about other pods are not part of it. Numbers rise and are never used again.
  PodShape shape_of(const PodInfo& pod);

 private:
  struct Hash {
    using is_avalanching = void;
    std::size_t operator()(const std::string& words) const;
  };
  boost::unordered_flat_map<std::string, PodShape, Hash> shapes_;
  std::string key_;  // of the pod at hand; kept for its memory
  PodShape last_ = 0;
};

}  // namespace keelson::scheduler
