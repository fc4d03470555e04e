// The experiment of the packing literature: pods arrive one after the other, nobody leaves, and one
// that does not fit is dropped. Times do not matter. How much of the cluster gets allocated is drawn
// over how much has been asked for. Source of the model: the published experiments of Weng et al.
// (2023), USENIX ATC.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/outcome.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct ArrivalsOptions {
  // Of the order of the pods, of the pods that tuning adds or takes away, of ties, and of policies
  // that draw lots.
  uint64_t seed = 1;
  // Pods are added (drawn from the workload, with repetition) or taken away until they ask for this
  // much of the cluster's GPUs, in %; of its CPUs, if it has no GPUs. 0: all, and once each.
  int64_t load_percent = 130;
  bool shuffle = true;  // else they come in the workload's order
  int32_t percentage_of_nodes_to_score = 100;  // ClusterOptions
  // The allocation of each moment is rounded to 0.01 % before the curve takes the mean, as the
  // published tables have it.
  bool rounded_moments = false;
  // Replaces seed, load and shuffling: indices into the workload's arrivals.
  std::vector<std::size_t> order;
  // Replaces the seed's order of nodes: rank of node i, lower wins.
  std::vector<uint32_t> tie_order;
};

// Metrics at the end: allocation, balance (usage.hpp), "failed-pods" and, with GPUs, "fragmentation" (of
// all GPUs, in %); and the same at load 100, called "...-at-100", if it came so far. Curves over the
// load: a point per percent, the mean of the moments after the arrivals that came nearest to it.
// Error: Code::invalid if the policy cannot be used or the order names an arrival that there is not.
Result<Outcome> run_arrivals(const Workload& workload, const Policy& policy,
                             const ArrivalsOptions& options);

}  // namespace keelson::lab
