// Reads Alibaba's GPU cluster trace "openb" (cluster-trace-gpu-v2023): a CSV file of nodes and one of
// pods with their times of creation and deletion. Malformed rows are refused with file and line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/api/devices.hpp"
#include "core/base/result.hpp"
#include "sim/scenario/scenario.hpp"

namespace keelson::sim {

struct TraceNode {
  std::string name;
  int64_t cpu_milli = 0, memory_mib = 0;
  int64_t gpus = 0;
  std::string model;
  NodePool pool() const;  // of this one node
};

struct TracePod {
  std::string name;
  int64_t cpu_milli = 0, memory_mib = 0;
  int64_t gpus = 0;       // devices
  int64_t gpu_milli = 0;  // of each device; below 1000 only for one shared device
  std::vector<std::string> gpu_models;  // allowed; empty: any
  Duration created{}, deleted{};        // since the trace began
};

struct Trace {
  std::vector<TraceNode> nodes;
  std::vector<TracePod> pods;  // by time of creation
};

Result<Trace> read_openb(const TraceSpec& spec);

using api::kGpuModelLabel;
using api::kGpuResource;

}  // namespace keelson::sim
