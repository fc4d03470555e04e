// A study with made-up outcomes: curves, distributions and nodes as an experiment would have them.
#pragma once

#include <algorithm>
#include <string>

#include "core/base/rng.hpp"
#include "sim/lab/study.hpp"

namespace keelson::lab {

// Policy number v is better by v; seeds shift all policies alike.
inline Outcome made_outcome(std::size_t variant, uint64_t seed) {
  Rng rng = Rng(seed).fork(variant);
  const auto noise = [&](double size) {
    return size * (static_cast<double>(rng.below(2001)) / 1000 - 1);
  };
  const double shift = static_cast<double>(Rng(seed).below(100)) / 50;
  const double better = static_cast<double>(variant);
  Outcome o;
  o.metrics = {{"gpu-allocation", "%", Better::higher, 90 + shift + better + noise(0.3)},
               {"fragmentation", "GPUs", Better::lower, 240 - 9 * better + noise(12)},
               {"pods-failed", "pods", Better::lower, static_cast<double>(rng.below(9))}};
  Series allocation{"gpu-allocation", "%", "load", {}, {}},
      frag{"fragmentation", "GPUs", "load", {}, {}};
  for (int load = 0; load <= 130; ++load) {
    allocation.x.push_back(load);
    frag.x.push_back(load);
    allocation.y.push_back(std::min<double>(load, 88 + shift + better) + noise(0.4));
    frag.y.push_back(1.5 * load + (load > 80 ? (load - 80) * (3 - better / 3) : 0) + noise(6));
  }
  o.series = {allocation, frag};
  Distribution wait{"waiting-time", "s", {}};
  for (int i = 0; i < 400; ++i) {
    wait.values.push_back(static_cast<double>(rng.exponential(Duration(30'000'000'000)).count()) /
                          1e9 / (1 + better / 4));
  }
  std::sort(wait.values.begin(), wait.values.end());
  o.distributions = {wait};
  for (int i = 0; i < 60; ++i) {
    o.nodes.push_back({"node-" + std::to_string(i), static_cast<double>(rng.below(1001)) / 1000,
                       static_cast<double>(rng.below(1001)) / 1000,
                       i % 5 == 0 ? -1 : static_cast<double>(rng.below(9)) / 8});
  }
  o.hash = rng.next();
  return o;
}

inline Study made_study(std::size_t variants, uint64_t first_seed, uint64_t last_seed) {
  Study study;
  Plan& plan = study.plan;
  plan.name = "made";
  plan.description = "outcomes that nobody measured";
  plan.command = "keelson sim compare made.yaml";
  plan.workload = "made: 60 nodes, 400 pods";
  plan.inputs = 0x1234;
  for (std::size_t i = 0; i < variants; ++i)
    plan.variants.push_back({"Policy" + std::to_string(i), "a test", {}});
  plan.first_seed = first_seed;
  plan.last_seed = last_seed;
  for (std::size_t i = 0; i < plan.runs(); ++i) {
    study.runs.push_back({i, made_outcome(plan.variant_of(i), plan.seed_of(i))});
  }
  return study;
}

}  // namespace keelson::lab
