#include "sim/lab/experiment.hpp"

#include "sim/lab/arrivals.hpp"
#include "sim/lab/compaction.hpp"
#include "sim/lab/timed.hpp"

namespace keelson::lab {

Result<Outcome> run_experiment(const Workload& workload, const Policy& policy,
                               const ExperimentOptions& options) {
  if (options.kind == ExperimentOptions::Kind::timed) {
    TimedOptions timed;
    timed.seed = options.seed;
    timed.percentage_of_nodes_to_score = options.percentage_of_nodes_to_score;
    timed.length = options.length;
    timed.power = options.power;
    return run_timed(workload, policy, timed);
  }
  if (options.kind == ExperimentOptions::Kind::compaction) {
    CompactionOptions compaction;
    compaction.seed = options.seed;
    compaction.trials = options.trials;
    compaction.pending_milli = options.pending_milli;
    compaction.percentage_of_nodes_to_score = options.percentage_of_nodes_to_score;
    auto compacted = compact(workload, policy, compaction);
    if (!compacted) return compacted.error();
    return to_outcome(*compacted);
  }
  ArrivalsOptions arrivals;
  arrivals.seed = options.seed;
  arrivals.load_percent = options.load_percent;
  arrivals.shuffle = options.shuffle;
  arrivals.percentage_of_nodes_to_score = options.percentage_of_nodes_to_score;
  return run_arrivals(workload, policy, arrivals);
}

}  // namespace keelson::lab
