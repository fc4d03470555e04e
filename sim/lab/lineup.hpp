// Who competes in a study: policies times the values of sweeps.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/experiment_file.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/study.hpp"

namespace keelson::lab {

// "--sweep NAME=a,b,c". NAME is a parameter of the experiment file, or
//   nodes                     the cluster has so many of the workload's nodes, drawn by the seed
//   percentageOfNodesToScore  of the scheduler, 0..100
//   weight.PLUGIN             of the plugin's score; the policy must have it
struct Sweep {
  std::string name;
  std::vector<std::string> values;
};

// Error: Code::invalid, "--sweep ...: why".
Result<Sweep> parse_sweep(const std::string& text);

// What --policies names: a policy of the laboratory, or the text of a KubeSchedulerConfiguration.
struct PolicyChoice {
  std::string name;                 // as results call it
  std::string file, configuration;  // a file and its text; empty: by name
};

struct Contender {
  Variant variant;
  Policy policy;
  ExperimentFile experiment;  // with the variant's parameters
  std::size_t nodes = 0;      // so many of the workload's; 0: all
};

struct LineupRequest {
  std::string text, file;  // of the experiment
  std::map<std::string, std::string> settings;
  // None: those that the experiment file names; only "all": every policy of the laboratory.
  std::vector<PolicyChoice> policies;
  std::vector<Sweep> sweeps;
  bool lenient = false;  // as if the experiment's workload said so
};

// All combinations, policies fastest. Error: Code::invalid, saying which policy, sweep or line of
// the file is wrong and what there is instead.
Result<std::vector<Contender>> line_up(const LineupRequest& request);

}  // namespace keelson::lab
