// One experiment: a workload under a policy with a seed, and what came of it.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.hpp"
#include "sim/lab/outcome.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/timed.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct ExperimentOptions {
  enum class Kind : uint8_t {
    arrivals,  // pods come one after the other and stay (arrivals.hpp)
    timed,     // pods come at their times and leave at the end of theirs (timed.hpp)
    compaction,  // how few nodes would be enough (compaction.hpp)
  };
  Kind kind = Kind::arrivals;
  // The same workload, policy, options and seed give the same outcome on every machine.
  uint64_t seed = 1;
  // Of the scheduler (ClusterOptions).
  int32_t percentage_of_nodes_to_score = 100;

  // --- arrivals
  // Pods are added or taken away until they ask for this much of the cluster, in %; 0: as they are.
  int64_t load_percent = 130;
  bool shuffle = true;

  // --- timed
  std::optional<Duration> length;   // no longer than this; absent: until all pods have left
  std::optional<PowerModel> power;  // of each node

  // --- compaction
  int trials = 11;
  int64_t pending_milli = 2;  // so many pods, in thousandths, may stay without a node
};

// Error: Code::invalid, with what is wrong about the workload or the policy.
Result<Outcome> run_experiment(const Workload& workload, const Policy& policy,
                               const ExperimentOptions& options);

}  // namespace keelson::lab
