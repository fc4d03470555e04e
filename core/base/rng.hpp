// Seeded random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64. The same
// seed gives the same numbers everywhere: no std distributions, no floating point in the results.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/time.hpp"

namespace keelson {

class Rng {
 public:
  explicit Rng(uint64_t seed);

  // An independent stream for one component. Depends on this generator's seed and the name alone, not
  // on how much was drawn, so that a draw added in one place does not shift the others.
  Rng fork(std::string_view name) const;
  Rng fork(uint64_t number) const;

  uint64_t next();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [low, high]. REQUIRES: low <= high.
  int64_t between(int64_t low, int64_t high);
  Duration between(Duration low, Duration high) {
    return Duration{between(low.count(), high.count())};
  }
  // True with probability numerator / denominator.
  bool chance(uint64_t numerator, uint64_t denominator) { return below(denominator) < numerator; }
  // Exponentially distributed with this mean; integer arithmetic, so the same on any machine.
  Duration exponential(Duration mean);
  uint64_t seed() const { return seed_; }

 private:
  uint64_t seed_;
  std::array<uint64_t, 4> state_;
};

}  // namespace keelson
