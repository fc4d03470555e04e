// From what is known about a pod to the PodStatus that the API should show. Pure.
#pragma once

#include "core/agent/pod_state.hpp"
#include "core/api/object.hpp"

namespace keelson::agent {

struct StatusFacts {
  std::string_view host_ip;
  std::string_view container_id_prefix;
  WallTime wall;
};

// `current` is what the API shows now: conditions of others, times of unchanged conditions and the
// phase that must not be left are taken from it.
api::PodStatus compute_status(const PodState& state, const api::PodStatus& current,
                              const StatusFacts& facts);

// The part that somebody waits for, cheaply: the phase and whether the pod is ready.
struct StatusSummary {
  std::string_view phase;
  bool ready = false;
  friend bool operator==(const StatusSummary&, const StatusSummary&) = default;
};
StatusSummary summarize(const PodState& state, const api::PodStatus& current);
StatusSummary summarize(const api::PodStatus& status);

// "Guaranteed", "Burstable", "BestEffort".
std::string_view qos_class(const api::PodSpec& spec);

}  // namespace keelson::agent
