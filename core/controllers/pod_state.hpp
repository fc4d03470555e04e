// What the workload controllers ask of a pod.
#pragma once

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::controllers {

inline bool finished(const api::Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}
// Counts towards a ReplicaSet's replicas. Source: Kubernetes' IsPodActive.
inline bool active(const api::Pod& pod) {
  return !finished(pod) && !pod.metadata().has_deletion_timestamp();
}
inline const api::PodCondition* condition_of(const api::Pod& pod, std::string_view type) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}
inline bool ready(const api::Pod& pod) {
  const api::PodCondition* condition = condition_of(pod, "Ready");
  return condition && condition->status() == "True";
}

}  // namespace keelson::controllers
