// Workloads from distributions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "sim/lab/generators/arrivals.hpp"
#include "sim/lab/generators/distribution.hpp"
#include "sim/lab/objects.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

// Nodes of one making, named PREFIX-1, PREFIX-2, ...; in turn in zone-1 ... zone-N.
struct NodeGroup {
  std::string prefix = "node";
  int64_t count = 1;
  int64_t zones = 0;
  NodeShape shape;
};
std::vector<api::ObjectPtr> make_nodes(const std::vector<NodeGroup>& groups);

// Pods of one kind: each arrival is of one class, by their weights.
struct PodClass {
  std::string name = "pod";
  int64_t weight = 1;
  Amount cpu_milli, memory_mib;
  Amount replicas = Amount::of(1);  // pods that come together, of one size, labelled as one job
  std::optional<Amount> runs_for_ms;  // absent: for ever
  std::optional<int32_t> priority;
  std::map<std::string, Amount> resources;  // further ones, in whole units
  // GPUs, and thousandths of each: of a single one only.
  Amount gpus = Amount::of(0), gpu_milli = Amount::of(1000);
};

struct GeneratorSpec {
  ArrivalProcess arrivals;
  std::vector<PodClass> classes;
  int64_t pods = 0;                // how many; 0: as many as come in `length`
  std::optional<Duration> length;  // no arrivals from then on
};

// REQUIRES: a class with a weight above zero, and a number of pods or a length.
std::vector<Arrival> generate(const GeneratorSpec& spec, const Rng& rng);

// No generator makes more than this, whatever it is asked for.
inline constexpr int64_t kGeneratedPodsMax = 10'000'000;

}  // namespace keelson::lab
