#include "sim/lab/experiment.hpp"

#include "sim/lab/arrivals.hpp"

namespace keelson::lab {

Result<Outcome> run_experiment(const Workload& workload, const Policy& policy,
                               const ExperimentOptions& options) {
  if (options.kind == ExperimentOptions::Kind::timed) {
    return Error{Code::invalid, "experiments over time cannot be run yet"};
  }
  ArrivalsOptions arrivals;
  arrivals.seed = options.seed;
  arrivals.load_percent = options.load_percent;
  arrivals.shuffle = options.shuffle;
  arrivals.percentage_of_nodes_to_score = options.percentage_of_nodes_to_score;
  return run_arrivals(workload, policy, arrivals);
}

}  // namespace keelson::lab
