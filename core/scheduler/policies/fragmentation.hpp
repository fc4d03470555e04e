// How much of a node's idle GPU a randomly drawn pod could not use: F of Weng et al. (2023), "Beware
// of Fragmentation", in expected thousandths of a device.
//
// Floating point, and exact all the same: products and sums of doubles in a fixed order, without
// contraction, so that all machines get the same bits. The order is that of the published simulator
// (per kind of misfit first, then over the kinds): FGD compares differences that are zero in one
// order and -1e-13 in another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/scheduler/policies/policy_args.hpp"

namespace keelson::scheduler {

class Fragmentation {
 public:
  explicit Fragmentation(std::vector<TypicalPod> typical);

  bool empty() const { return typical_.empty(); }
  // A number for the model of a node's GPUs. All models that no typical pod names are alike.
  int32_t model(const std::string& name) const;

  // What is left of a node.
  struct Node {
    int64_t cpu = 0;                 // milli
    int32_t model = 0;               // from model()
    std::span<const int32_t> left;   // of each device
  };
  double of(const Node& node) const;

 private:
  struct Typical {
    int64_t cpu = 0;
    int32_t gpus = 0;        // 0: CPU only
    uint32_t threshold = 0;  // index into thresholds_: its milli
    uint64_t models = 0;     // bit per number of a model
    double share = 0;
  };
  // Per threshold: how many devices have that much left, and what the others have left together.
  struct Fit {
    int32_t enough = 0, rest = 0;
  };
  double sum(int64_t cpu, int32_t model, int32_t idle, std::span<const Fit> fits) const;

  std::vector<Typical> typical_;
  std::vector<int32_t> thresholds_;   // sorted, different
  std::vector<std::string> models_;   // number 1 and up; 0: none of these
  mutable std::vector<Fit> scratch_;  // per threshold
};

}  // namespace keelson::scheduler
