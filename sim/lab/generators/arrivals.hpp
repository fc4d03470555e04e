// When pods come. The processes: Poisson (independent arrivals at one rate); bursty, a Poisson process
// whose rate jumps between two values at random (Markov-modulated, MMPP-2; Fischer and
// Meier-Hellstern, 1993); diurnal, a Poisson process whose rate follows the hour of the day (drawn by
// thinning; Lewis and Shedler, 1979).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace keelson::lab {

struct ArrivalProcess {
  enum class Kind : uint8_t { all_at_once, poisson, bursty, diurnal };
  Kind kind = Kind::poisson;
  // Mean time between arrivals: poisson's; bursty's when calm; diurnal's at its busiest.
  Duration every = 1s;
  // bursty: mean time between arrivals within a burst, and how long calm and bursts last on average.
  Duration burst_every = 100ms;
  Duration calm_for = 10min, burst_for = 1min;
  // diurnal: how busy each hour is, in thousandths of the busiest.
  std::array<uint32_t, 24> hours{};

  // A day whose busiest hour (at 15:00) sees `ratio_milli` thousandths of the arrivals of its
  // quietest one (at 03:00), along a raised cosine.
  static std::array<uint32_t, 24> day(int64_t ratio_milli);
};

// No mean time may be longer: what is drawn from it still fits into a Duration.
inline constexpr Duration kMeanMax = 8760h;
// The mean time between arrivals that come `milli` thousandths as often. REQUIRES: milli > 0.
Duration at_rate(Duration every, int64_t milli);

// REQUIRES: the times of the kind are above zero and at most kMeanMax; of `hours` at least one is above
// zero.
class ArrivalTimes {
 public:
  ArrivalTimes(ArrivalProcess process, Rng rng) : process_(process), rng_(rng) {}
  // The time of the next arrival; never goes back.
  Duration next();

 private:
  ArrivalProcess process_;
  Rng rng_;
  Duration now_{};
  bool burst_ = false;
  std::optional<Duration> phase_ends_;
};

}  // namespace keelson::lab
