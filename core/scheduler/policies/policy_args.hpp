// The arguments of the policies that have some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace keelson::scheduler {

// What matters of a pod for fragmentation. Pods that are alike in it are of one class.
struct PodClass {
  int64_t cpu_milli = 0;
  int32_t gpu_milli = 0;  // of each device: 1..1000; 0 without any
  int32_t gpus = 0;
  std::vector<std::string> models;  // of GPUs that it may have, in the pod's order; empty: any
  friend bool operator==(const PodClass&, const PodClass&) = default;
};

struct TypicalPod {
  PodClass pod;
  double share = 0;  // of all typical pods: together 1
};

struct PolicyArgs {
  // Of the policies that draw lots: the same seed, the same choices.
  uint64_t seed = 1;
  // What FGD expects to come (typical_pods.hpp makes it of a list of pods).
  std::vector<TypicalPod> typical_pods;
};

}  // namespace keelson::scheduler
