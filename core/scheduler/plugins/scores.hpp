// Arithmetic that several scoring plugins share. Integers only: the same scores on every machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/scheduler/framework/plugin.hpp"

namespace keelson::scheduler {

// 100 * part / whole, rounded down. REQUIRES: 0 <= part <= whole, whole > 0.
inline int32_t percent(int64_t part, int64_t whole) {
  if (whole >= int64_t{1} << 56) {  // amounts from outside may be absurd; they must not overflow
    part >>= 7;
    whole >>= 7;
  }
  return static_cast<int32_t>(part * 100 / whole);
}

// Scales so that the largest becomes 100; reversed: the largest becomes 0. All zero: all 0,
// reversed all 100. Source: helper.DefaultNormalizeScore of kube-scheduler.
inline void normalize_to_max(std::span<int32_t> scores, bool reverse) {
  int32_t most = 0;
  for (const int32_t s : scores) most = std::max(most, s);
  for (int32_t& s : scores) {
    if (most > 0) s = static_cast<int32_t>(int64_t{s} * kMaxNodeScore / most);
    if (reverse) s = kMaxNodeScore - s;
  }
}

}  // namespace keelson::scheduler
