// Kubernetes' back-off for containers and images: 10 s, doubled with each failure, at most 300 s.
// Source: kubelet's MaxContainerBackOff and backOffPeriod; GUARANTEES NA-4.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/time.hpp"

namespace keelson::agent {

inline constexpr Duration kBackOffFirst = 10s;
inline constexpr Duration kBackOffMax = 300s;
// A container that ran this long has recovered: its next crash counts as the first.
inline constexpr Duration kBackOffReset = std::chrono::minutes(10);

// The wait after the n-th failure in a row, with a given first wait and bound. REQUIRES: n >= 1.
constexpr Duration backoff_after(uint32_t failures, Duration first = kBackOffFirst,
                                 Duration most = kBackOffMax) {
  const uint32_t doublings = std::min<uint32_t>(failures - 1, 20);
  return std::min(most, first * (int64_t{1} << doublings));
}

// Crashes of one container. The first restart is immediate, as kubelet does it: most crashes are
// not repeated, and a service should not wait ten seconds for the benefit of the rest.
struct CrashBackOff {
  uint32_t crashes = 0;

  // The container has exited after having run for `ran`. Answers how long to wait before
  // restarting.
  Duration on_exit(Duration ran) {
    if (ran >= kBackOffReset) crashes = 0;
    const Duration wait = crashes == 0 ? Duration::zero() : backoff_after(crashes);
    ++crashes;
    return wait;
  }
};

}  // namespace keelson::agent
