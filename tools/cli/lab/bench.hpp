// The contenders of a study, ready to be run one by one: workloads are read once and shared by all
// processes that are forked afterwards.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/lineup.hpp"

namespace keelson::cli {

class Bench {
 public:
  // Loads what does not depend on the seed; the rest is loaded for the first seed to see that it
  // can be, and to describe it. Rows that were left out are said on standard error, unless `quiet`.
  // Error: Code::invalid, of a file, a trace or a sweep over nodes.
  static Result<Bench> make(std::vector<lab::Contender> contenders, uint64_t first_seed,
                            bool quiet);

  const std::vector<lab::Contender>& contenders() const { return contenders_; }
  // "openb: 1213 nodes, 8152 pods", and how many rows of the trace were left out.
  const std::string& description() const { return description_; }
  // Over all that the results follow from, but the seeds.
  uint64_t inputs() const { return inputs_; }

  Result<lab::Outcome> run(std::size_t contender, uint64_t seed);

 private:
  using WorkloadPtr = std::shared_ptr<const lab::Workload>;
  struct Loaded {
    WorkloadPtr workload;
    uint64_t seed = 0;
    std::size_t left_out = 0;  // rows that could not be used
  };
  Result<WorkloadPtr> workload(std::size_t contender, uint64_t seed);

  std::vector<lab::Contender> contenders_;
  std::map<std::string, Loaded> loaded_;  // by the experiment's text; of random ones the latest
  std::string description_;
  bool quiet_ = false;
  uint64_t inputs_ = 0;
};

}  // namespace keelson::cli
