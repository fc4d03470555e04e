// A generator that was fitted to a workload: makes more of it, at another rate if wanted, with other
// seeds, or for longer than it was recorded.
//
// What is kept of the original: how many jobs come at each hour of the day (hour 0 begins with the
// workload), the classes of pods by what they ask for and how often each comes, how many pods a job
// has, and the quantiles of how long they run, per class where it has enough of them. What is lost:
// correlations between jobs, and bursts within an hour.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "sim/lab/generators/arrivals.hpp"
#include "sim/lab/generators/distribution.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct FittedClass {
  api::ObjectPtr pod;  // the first of its kind: what others are made after
  uint64_t jobs = 0;   // how often it came
  Amount pods_per_job;
  uint64_t pods = 0, for_ever = 0;  // of all pods, those without an end
  Amount runs_for_ms;               // of the others
};

struct Fit {
  ArrivalProcess arrivals;           // of jobs
  std::vector<FittedClass> classes;  // the most frequent first
};

// A job is what comes at one time with one value of label "job"; a pod without it is a job of its
// own. Error: Code::invalid if there is nothing to fit to.
Result<Fit> fit(const Workload& workload);

struct FitMore {
  int64_t pods = 0;                // how many; 0: as many as come in `length`
  std::optional<Duration> length;  // no arrivals from then on
  int64_t rate_milli = 1000;       // jobs come so many thousandths as often
};
std::vector<Arrival> generate(const Fit& fit, const FitMore& more, const Rng& rng);

}  // namespace keelson::lab
