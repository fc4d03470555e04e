// Google's ClusterData2011: task_events and machine_events, as published (parts, gzip, no header).
// Source: "Google cluster-usage traces: format + schema" (Reiss, Wilkes, Hellerstein, v2.1), and
// github.com/google/cluster-data, ClusterData2011_2.md.
//
// Times are in microseconds; the trace begins at 600 s, 0 is "before it", 2^63 - 1 "after it". CPU
// and memory are shares of the largest machine.
//
// A pod is what lies between a task's SUBMIT and its end (FAIL, FINISH, KILL, LOST). EVICT is no end:
// it is what the trace's own scheduler did to the task, and the pod goes on with the task's next
// turn. It runs for as long as the last turn did; what does not end in the trace stays for ever. A
// task that failed and is submitted again is another pod. Requests are the last that were made before
// the task was scheduled (SUBMIT, UPDATE_PENDING). Tasks of which the trace has no SUBMIT were there
// before it began: they come at 0. Priorities (0 to 11) are the pods'. The restriction to different
// machines becomes an anti-affinity to the job's pods.
// Machines are those that are added before the trace begins; later events are not played.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "sim/lab/loaded.hpp"
#include "sim/lab/readers/collector.hpp"

namespace keelson::lab {

struct GoogleFiles {
  std::string machines;  // machine_events: file or folder; empty: no nodes of its own
  std::string tasks;     // task_events: file or folder, in the order of the parts
};

struct GoogleOptions {
  Window window;
  bool lenient = false;
  // What the largest machine counts for.
  int64_t largest_cpu_milli = 64'000;
  int64_t largest_memory_bytes = int64_t{256} << 30;
};

// Memory: the tasks that are under way, besides what the window keeps.
// Error: Code::invalid, "FILE:LINE: field: why".
Result<Loaded> read_google_2011(const GoogleFiles& files, const GoogleOptions& options);

}  // namespace keelson::lab
