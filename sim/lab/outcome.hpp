// What one experiment (a workload, a policy, a seed) gave, in a form that statistics and reports
// treat alike for all experiments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace keelson::lab {

enum class Better : uint8_t { higher, lower, neither };

// One number per run. Names are the literature's, in kebab-case: "gpu-allocation", "fragmentation",
// "waiting-time-p95", ...
struct Metric {
  std::string name, unit;  // unit: "%", "s", "pods", "" (a ratio)
  Better better = Better::neither;
  double value = 0;
};

// A curve: y over the load that has arrived (in % of the capacity) or over virtual time (in s).
struct Series {
  std::string name, unit;
  std::string over;  // "load" (unit %) or "time" (unit s)
  std::vector<double> x, y;  // of equal length, x rising
};

// For a CDF: one value per pod, sorted.
struct Distribution {
  std::string name, unit;
  std::vector<double> values;
};

// How full each node was, for the heat map: at the end, or on average over time where pods leave;
// shares 0..1, in the workload's order of nodes.
struct NodeFill {
  std::string node;
  double cpu = 0, memory = 0;
  double gpu = -1;  // -1: the node has none
};

struct Outcome {
  std::vector<Metric> metrics;
  std::vector<Series> series;
  std::vector<Distribution> distributions;
  std::vector<NodeFill> nodes;
  // Over every decision in order: equal for equal workload, policy and seed, on every machine.
  uint64_t hash = 0;
};

}  // namespace keelson::lab
