#include "sim/live/pacer.hpp"

#include <algorithm>
#include <string>

namespace keelson::sim {

namespace {

// A pause of the machine, or a burst of work, up to this long is caught up with.
constexpr Duration kDebtMax = 1s;

Duration scaled(Duration d, int64_t by, int64_t of) {
  return Duration{static_cast<int64_t>(static_cast<__int128>(d.count()) * by / of)};
}

}  // namespace

Result<int64_t> parse_speed(std::string_view text) {
  const auto bad = [&] {
    return Error{Code::invalid,
                 "\"" + std::string(text) + "\" is no speed; write a number from 0.1 to 1000"};
  };
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot);
  std::string_view fraction = dot < text.size() ? text.substr(dot + 1) : "0";
  while (fraction.size() > 1 && fraction.back() == '0') fraction.remove_suffix(1);
  const auto digits = [](std::string_view s) {
    return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(whole) || !digits(fraction) || whole.size() > 4 || fraction.size() > 3) return bad();
  int64_t speed = 0;
  for (const char c : whole) speed = speed * 10 + (c - '0');
  for (std::size_t i = 0; i < 3; ++i) {
    speed = speed * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  if (speed < kSpeedMin || speed > kSpeedMax) return bad();
  return speed;
}

std::string format_speed(int64_t speed) {
  std::string text = std::to_string(speed / 1000);
  if (speed % 1000 == 0) return text;
  text += "." + std::to_string(1000 + speed % 1000).substr(1);
  while (text.back() == '0') text.pop_back();
  return text;
}

Pacer::Pacer(int64_t speed, bool paused, Duration real, Instant now)
    : speed_(speed), paused_(paused), anchor_(now), anchor_real_(real) {
  KEELSON_ASSERT(speed >= kSpeedMin && speed <= kSpeedMax);
}

Instant Pacer::target(Duration real) const {
  if (paused_) return anchor_;
  return anchor_ + scaled(std::max(real - anchor_real_, Duration::zero()), speed_, 1000);
}

std::optional<Duration> Pacer::wait(Duration real, Instant at) const {
  const Instant due = target(real);
  if (at <= due) return Duration::zero();
  if (paused_) return std::nullopt;
  // Rounded up, so that waking up then is not too early.
  return scaled(at - due, 1000, speed_) + Duration{1};
}

void Pacer::reached(Duration real, Instant now) {
  const Instant due = target(real);
  lag_ = std::max(due - now, Duration::zero());
  if (now > due) anchor(now, real);
  const Duration debt_max = scaled(kDebtMax, speed_, 1000);
  // What a step asks for is work to be done, not a debt.
  if (paused_ || lag_ <= debt_max) return;
  slipped_ += lag_ - debt_max;
  lag_ = debt_max;
  anchor(now + debt_max, real);
}

void Pacer::set_speed(int64_t speed, Duration real, Instant now) {
  KEELSON_ASSERT(speed >= kSpeedMin && speed <= kSpeedMax);
  if (!paused_) anchor(now, real);
  speed_ = speed;
}

void Pacer::pause(Duration real, Instant now) {
  paused_ = true;
  anchor(now, real);
}

void Pacer::resume(Duration real, Instant now) {
  paused_ = false;
  anchor(now, real);
}

void Pacer::step(Duration by, Duration real, Instant now) {
  if (!paused_) pause(real, now);
  anchor_ += by;
}

void Pacer::anchor(Instant at, Duration real) {
  anchor_ = at;
  anchor_real_ = real;
}

}  // namespace keelson::sim
