// What pods a cluster is expected to get: the yardstick of fragmentation (Weng et al. 2023).
#pragma once

#include <span>
#include <vector>

#include "core/scheduler/cache/pod_info.hpp"
#include "core/scheduler/policies/policy_args.hpp"

namespace keelson::scheduler {

PodClass class_of(const PodInfo& pod);

// The most frequent classes that make up at least `percent` of the pods, the most frequent first.
std::vector<TypicalPod> typical_pods(std::span<const PodClass> pods, int percent = 95);

}  // namespace keelson::scheduler
