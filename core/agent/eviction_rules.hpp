// When a node is short of something, which pod has to go, and what is said about it. Pure.
// Source: Kubernetes' "Node-pressure Eviction" and pkg/kubelet/eviction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/node_stats.hpp"
#include "core/agent/pod_state.hpp"
#include "core/agent/volumes.hpp"
#include "core/api/object.hpp"

namespace keelson::agent {

// Hard thresholds: below them pods are evicted without grace. Kubelet's defaults.
struct EvictionThresholds {
  uint64_t memory_available_bytes = 100 << 20;
  uint32_t node_fs_available_percent = 10;
  uint32_t node_fs_inodes_free_percent = 5;
  uint32_t image_fs_available_percent = 15;
  uint64_t pids_available = 0;  // 0: not watched, as kubelet does without being told
};

enum class Scarce : uint8_t { memory, node_disk, image_disk, inodes, pids };

struct Shortage {
  Scarce of{};
  uint64_t threshold = 0, available = 0;
};
// What the node is short of, the most urgent first.
std::vector<Shortage> shortages(const NodeMeasurement& measured, const EvictionThresholds& limits);

struct NodePressure {
  bool memory = false, disk = false, pids = false;
  friend bool operator==(const NodePressure&, const NodePressure&) = default;
};

struct EvictionCandidate {
  std::string uid;
  const api::Pod* pod = nullptr;
};
struct EvictionFacts {
  const PodUsages& containers;
  const VolumeUsages& volumes;
};

// System-critical or of the node's own manifests: never evicted.
bool critical(const api::Pod& pod);

struct Eviction {
  std::string uid;
  Verdict verdict;
};
// The pod that goes for the shortage: those that use more than they asked for first, then those of
// lower priority, then those that use most beyond what they asked for. Nothing: nobody may be evicted.
std::optional<Eviction> choose(const Shortage& shortage,
                               const std::vector<EvictionCandidate>& candidates,
                               const EvictionFacts& facts);
// The pods that use more of the disk than their own limits allow: emptyDir's sizeLimit, a container's
// or all containers' limits of ephemeral-storage.
std::vector<Eviction> over_their_limits(const std::vector<EvictionCandidate>& candidates,
                                        const EvictionFacts& facts);
// May this pod start on a node under such pressure?
std::optional<Verdict> refuse_under(const NodePressure& pressure, const api::Pod& pod);

}  // namespace keelson::agent
