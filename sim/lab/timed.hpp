// An experiment over virtual time: pods come at their times, wait in the production scheduler's queue
// (back-off, wake-ups, priorities, nominations), run for as long as they are to, and leave. A pod that
// is preempted goes back into the queue and begins again. Deciding and starting take no time.
//
// What is measured: waiting, from a pod's coming to its last start, so that lost work counts as
// waiting; and bounded slowdown, max(1, (waiting + running) / max(running, 10 s)), of pods that have
// an end. Source: Feitelson and Rudolph, "Metrics and Benchmarking for Parallel Job Scheduling", 1998.
// Means over time are weighted by how long each state lasted.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "sim/lab/outcome.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

// What a node draws: linear from idle to peak with the share of its CPUs that is allocated. Source:
// Fan, Weber and Barroso, "Power Provisioning for a Warehouse-sized Computer", ISCA 2007.
struct PowerModel {
  int64_t idle_w = 0, peak_w = 0;  // of one node
};

struct TimedOptions {
  uint64_t seed = 1;
  int32_t percentage_of_nodes_to_score = 100;  // ClusterOptions
  // No longer than this; absent: until all pods have left, or nothing can happen any more.
  std::optional<Duration> length;
  std::optional<PowerModel> power;
};

// Metrics: "waiting-time-mean", "-p50", "-p95", "-p99", "bounded-slowdown-..." the same, "failed-pods"
// (never started), "preemptions", "moves" (starts after a preemption), "makespan", "cpu-allocation",
// "memory-allocation", "gpu-allocation" and "cpu-variation", "cpu-fairness", ... (means over time),
// "pending-pods-max", "energy" if there is a power model. Series over time of the allocations, of
// pending and of running pods. Distributions: "waiting-time", "bounded-slowdown". The nodes' fill is
// their mean over time.
// Error: Code::invalid if the policy or the workload cannot be used.
Result<Outcome> run_timed(const Workload& workload, const Policy& policy,
                          const TimedOptions& options);

}  // namespace keelson::lab
