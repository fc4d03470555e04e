// What an experiment plays: a cluster's nodes and the pods that come to it, as API objects, so that
// every policy sees what the scheduler of a real cluster would see. Readers make workloads of
// published traces, generators make them from distributions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::lab {

// A pod that comes to the cluster. Its uid is set and unique in the workload.
struct Arrival {
  api::ObjectPtr pod;
  Duration at{};  // since the workload began
  std::optional<Duration> runs_for;  // from its binding to its end; absent: it stays for ever
};

struct Workload {
  std::string name;
  std::vector<api::ObjectPtr> nodes;
  std::vector<Arrival> arrivals;  // in the order in which they come; `at` never goes back
  // What else the scheduler knows: PriorityClasses, PodDisruptionBudgets, ReplicaSets, ...; and pods
  // that are on nodes when the workload begins (spec.nodeName is set).
  std::vector<api::ObjectPtr> others;
  std::vector<api::ObjectPtr> bound;
};

// What a reader did with rows that it could not use. Without --lenient the first one is an error.
struct Skipped {
  std::size_t rows = 0;
  std::string first;  // "FILE:LINE: why"; empty if there was none
};

}  // namespace keelson::lab
