// How virtual time follows real time: at a speed, paused, or step by step. Pure arithmetic: real
// time is handed in, as time since any fixed moment, and nothing is done here but saying how far
// the simulation should be.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace keelson::sim {

// In thousandths of real time: 1,000 is as fast as real time.
inline constexpr int64_t kSpeedMin = 100, kSpeedMax = 1'000'000;
// "0.1" to "1000", at most three decimals. Error: Code::invalid.
Result<int64_t> parse_speed(std::string_view text);
std::string format_speed(int64_t speed);  // "1", "0.25"

class Pacer {
 public:
  // REQUIRES: speed from kSpeedMin to kSpeedMax. `now` is where the simulation stands.
  Pacer(int64_t speed, bool paused, Duration real, Instant now);

  // Where the simulation should be. It never goes back.
  Instant target(Duration real) const;
  // How long to wait, in real time, until `at` is due; none: never, the clock is paused before it.
  std::optional<Duration> wait(Duration real, Instant at) const;
  // Tells where the simulation has got to. If it is more than a second of real time behind, the
  // rest of the debt is written off (slipped()): it then goes on at its speed instead of rushing
  // later. Where it has gone beyond the target (a paused clock, to answer), the target goes with
  // it.
  void reached(Duration real, Instant now);

  int64_t speed() const { return speed_; }
  bool paused() const { return paused_; }
  // All of these take effect where the simulation stands (`now`): what it is behind is forgiven.
  void set_speed(int64_t speed, Duration real, Instant now);
  void pause(Duration real, Instant now);
  void resume(Duration real, Instant now);
  // Pauses, and lets it go on by so much; several steps add up.
  void step(Duration by, Duration real, Instant now);

  // How far the simulation was behind its target at the last reached(), in virtual time.
  Duration lag() const { return lag_; }
  // Virtual time that was written off since the beginning.
  Duration slipped() const { return slipped_; }

 private:
  void anchor(Instant at, Duration real);

  int64_t speed_;
  bool paused_;
  Instant anchor_;        // the target at
  Duration anchor_real_;  // this real time
  Duration lag_{}, slipped_{};
};

}  // namespace keelson::sim
