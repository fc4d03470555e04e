// Alibaba's GPU cluster trace "openb" (cluster-trace-gpu-v2023): a file of nodes and one of pods.
// Source: github.com/alibaba/clusterdata, cluster-trace-gpu-v2023.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "sim/lab/loaded.hpp"
#include "sim/lab/readers/collector.hpp"

namespace keelson::lab {

struct OpenbOptions {
  std::string directory;
  std::string nodes = "gpu_node";  // openb_node_list_NODES.csv; "all_node": with those without GPUs
  std::string pods = "default";    // openb_pod_list_PODS.csv
  Window window;
  bool lenient = false;
};

// Pods ask for GPUs as core/api/devices.hpp says. They run from their creation to their deletion;
// lists without times (the variants "multigpu") have them all come at once, to stay.
Result<Loaded> read_openb(const OpenbOptions& options);

}  // namespace keelson::lab
