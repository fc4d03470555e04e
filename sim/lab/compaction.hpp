// Cluster compaction: how small could the cluster be and still fit the workload? Nodes are removed, in
// a random order, until the pods do not fit any more; several trials, for the order is luck; what
// counts is the 90th percentile, which a cautious operator would plan with. Source: Verma, Korupolu and
// Wilkes, "Evaluating job packing in warehouse-scale computing", IEEE Cluster 2014, and the Borg paper
// (EuroSys 2015), section 5.1.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/outcome.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct CompactionOptions {
  uint64_t seed = 1;
  int trials = 11;
  // So many pods, in thousandths, may stay without a node: Borg's experiments allow 0.2 % of "picky"
  // tasks, which fit almost nowhere.
  int64_t pending_milli = 2;
  int32_t percentage_of_nodes_to_score = 100;  // ClusterOptions
};

struct Compaction {
  std::size_t nodes = 0;           // that the workload has
  std::vector<std::size_t> needed;  // of each trial, in its order; more than `nodes`: it never fits
  std::size_t percentile_90 = 0;
};

// The arrivals' times do not matter: they are packed onto an empty cluster in their order, together with
// the pods that are bound. If the workload does not fit onto its own nodes, they are copied until it does,
// at most eight times, as the paper clones its cells.
// Error: Code::invalid if the policy cannot be used.
Result<Compaction> compact(const Workload& workload, const Policy& policy,
                           const CompactionOptions& options);

// Metrics: "compacted-nodes" (the 90th percentile), "compacted-share" (of the workload's, in %),
// "compacted-nodes-min", "-max"; the trials as the distribution "compacted-nodes".
Outcome to_outcome(const Compaction& compaction);

}  // namespace keelson::lab
