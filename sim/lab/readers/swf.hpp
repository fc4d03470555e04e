// The Standard Workload Format of the Parallel Workloads Archive: one line per job, 18 numbers, -1 for
// what is not known; header comments begin with ";".
// Source: www.cs.huji.ac.il/labs/parallel/workload/swf.html (version 2.2).
//
// A job asks for processors, a cluster has nodes: a job becomes as many pods as it needs nodes, each
// with at most a node's processors, all of one size, which come together. The nodes are those that the
// header says (MaxNodes of MaxProcs / MaxNodes processors each; without MaxNodes one per processor).
// Requested processors and memory count before what was used. Memory is per processor, in KiB. A job
// runs for its run time; where that is not known it is left out, as are partial executions (status 2
// to 4: their sum has a line of its own) and jobs that were cancelled before they ran.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "sim/lab/loaded.hpp"
#include "sim/lab/readers/collector.hpp"

namespace keelson::lab {

struct SwfOptions {
  std::string file;
  Window window;  // its limit counts pods
  bool lenient = false;
  int64_t processors_per_node = 0;  // 0: as the header says
  // What a node has where the jobs' requests do not say: enough for any of them.
  int64_t node_memory_bytes = int64_t{256} << 30;
  // The workload's own nodes, as the header says; else it has none.
  bool nodes = true;
};

// Error: Code::invalid, "FILE:LINE: field: why".
Result<Loaded> read_swf(const SwfOptions& options);

}  // namespace keelson::lab
