// The file of an experiment: YAML as scenarios are, with `parameters` and --set.
//
//   name: openb-arrivals
//   description: ...
//   parameters: {trace: "", load: 130}
//   workload: {...}                  load.hpp
//   experiment:
//     kind: arrivals                 pods come one after the other and stay; or
//           timed                    they come at their times and leave after theirs; or
//           compaction               how few nodes would be enough
//     load: 130                      arrivals: until they ask for this much of the cluster, in %;
//     0: as they are shuffle: true                  arrivals: in an order drawn by the seed; false:
//     the workload's percentageOfNodesToScore: 100  as kube-scheduler's; 0: adaptive policies:
//     [BestFit, FGD]       who is compared where the command line names none seeds: 42..51 and with
//     which seeds
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/experiment.hpp"
#include "sim/lab/load.hpp"

namespace keelson::lab {

struct ExperimentFile {
  std::string name, description;
  std::string text;  // with the parameters put in
  std::map<std::string, std::string> parameters;
  WorkloadSpec workload;
  ExperimentOptions options;  // but for the seed
  std::vector<std::string> policies;
  std::pair<uint64_t, uint64_t> seeds{1, 1};  // the first and the last
};

// `lenient`: as if the workload said so.
// Error: Code::invalid, a line for each complaint: "FILE:LINE: field: why".
Result<ExperimentFile> parse_experiment(const std::string& text, const std::string& file,
                                        const std::map<std::string, std::string>& settings,
                                        bool lenient = false);

}  // namespace keelson::lab
