#include "sim/lab/generators/arrivals.hpp"

#include <algorithm>

#include "core/base/assert.hpp"

namespace keelson::lab {

namespace {

// (1 + cos(2 pi (h - 15) / 24)) / 2 in thousandths, by the distance in hours from 15:00.
constexpr std::array<int64_t, 13> kCosine{1000, 983, 933, 854, 750, 629, 500,
                                          371,  250, 146, 67,  17,  0};
constexpr int kBusiest = 15;
// About three centuries fit into a Duration; the sum of two times must.
constexpr Duration kEnd{INT64_MAX / 4};

}  // namespace

std::array<uint32_t, 24> ArrivalProcess::day(int64_t ratio_milli) {
  ratio_milli = std::max<int64_t>(ratio_milli, 1000);
  std::array<uint32_t, 24> hours{};
  const int64_t trough = 1'000'000 / ratio_milli;
  for (int hour = 0; hour < 24; ++hour) {
    const int apart = std::abs(hour - kBusiest);
    const int64_t height = kCosine[static_cast<std::size_t>(std::min(apart, 24 - apart))];
    hours[static_cast<std::size_t>(hour)] =
        static_cast<uint32_t>(trough + (1000 - trough) * height / 1000);
  }
  return hours;
}

Duration at_rate(Duration every, int64_t milli) {
  const __int128 ns = static_cast<__int128>(every.count()) * 1000 / milli;
  return Duration(static_cast<int64_t>(std::clamp<__int128>(ns, 1, kMeanMax.count())));
}

Duration ArrivalTimes::next() {
  switch (process_.kind) {
    case ArrivalProcess::Kind::all_at_once: break;
    case ArrivalProcess::Kind::poisson: now_ += rng_.exponential(process_.every); break;
    case ArrivalProcess::Kind::bursty:
      for (;;) {
        if (!phase_ends_) phase_ends_ = now_ + rng_.exponential(process_.calm_for);
        // Without memory: what was drawn for the old rate is dropped where the rate changes.
        const Duration next = now_ + rng_.exponential(burst_ ? process_.burst_every : process_.every);
        if (next < *phase_ends_ || next >= kEnd) {
          now_ = next;
          break;
        }
        now_ = *phase_ends_;
        burst_ = !burst_;
        phase_ends_ = now_ + rng_.exponential(burst_ ? process_.burst_for : process_.calm_for);
      }
      break;
    case ArrivalProcess::Kind::diurnal:
      do {
        now_ += rng_.exponential(process_.every);
      } while (now_ < kEnd && !rng_.chance(process_.hours[static_cast<std::size_t>(
                                               now_ / 1h % 24)], 1000));
      break;
  }
  now_ = std::min(now_, kEnd);
  return now_;
}

}  // namespace keelson::lab
