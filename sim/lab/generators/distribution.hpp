// Random amounts: how large pods are, how long they run. Sizes and durations of real workloads are
// heavy-tailed (Reiss et al., SoCC 2012; Feitelson, "Workload Modeling", ch. 3 and 5), hence the
// choice. Deterministic by seed, the same bits everywhere (math.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/rng.hpp"

namespace keelson::lab {

struct Amount {
  enum class Kind : uint8_t {
    constant,     // a
    uniform,      // from low to high
    exponential,  // mean a
    lognormal,    // median a, b: standard deviation of its logarithm
    pareto,       // bounded: from low to high with tail index a; low > 0
    weibull,      // scale a, shape b
    choice,       // one of `values`, with weights
    quantiles,    // between neighbours of `values` (sorted), all intervals equally likely
  };
  Kind kind = Kind::constant;
  double a = 0, b = 0;
  double low = 0, high = 0;  // what is drawn is cut off there; high 0: not
  std::vector<double> values;
  std::vector<int64_t> weights;

  static Amount of(double value) { return {Kind::constant, value, 0, 0, 0, {}, {}}; }

  // Rounded to the nearest whole number, at least 0.
  int64_t draw(Rng& rng) const;
  double draw_exactly(Rng& rng) const;
};

// Uniform in (0, 1]; and normally distributed (Marsaglia's polar method, 1964).
double unit_interval(Rng& rng);
double normal(Rng& rng);

}  // namespace keelson::lab
