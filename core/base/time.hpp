// Two kinds of time that must not be mixed. Instants come from a monotonic clock and are what timeouts
// are judged by. WallTime is what people and timestamps in objects use: it may jump, and no decision
// compares it with a remote one.
#pragma once

#include <chrono>
#include <cstdint>

namespace keelson {

using Duration = std::chrono::nanoseconds;

struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock, Duration>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;

// Nanoseconds since 1970-01-01 00:00:00 UTC.
struct WallTime {
  int64_t unix_ns = 0;
  friend auto operator<=>(const WallTime&, const WallTime&) = default;
  WallTime operator+(Duration d) const { return {unix_ns + d.count()}; }
};

using namespace std::chrono_literals;

}  // namespace keelson
