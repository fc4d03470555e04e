#include "tools/cli/up/pump.hpp"

#include <algorithm>

namespace keelson::cli {

namespace {

// A few milliseconds' worth: so long requests may wait for the world.
constexpr uint64_t kEventsPerTurn = 500;
// Even if nothing is due, so that lag and dates stay right.
constexpr Duration kSleepMax = 500ms;

}  // namespace

LivePump::LivePump(sim::LiveWorld& world, sim::Pacer& pacer, Loop& loop,
                   std::function<void()> after_turn)
    : world_(world),
      pacer_(pacer),
      loop_(loop),
      after_turn_(std::move(after_turn)),
      timer_(loop, [this] { turn(); }) {}

Duration LivePump::real() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

void LivePump::wake() {
  if (std::exchange(posted_, true)) return;
  timer_.disarm();
  loop_.post([this] {
    posted_ = false;
    turn();
  });
}

void LivePump::catch_up() {
  world_.advance(pacer_.target(real()), kEventsPerTurn);
}

void LivePump::turn() {
  Instant until = pacer_.target(real());
  if (pacer_.paused()) {
    const auto owed = world_.owed_until();
    const auto next = world_.next_event();
    if (owed && next) until = std::max(until, std::min(*next, *owed));
  }
  const bool arrived = world_.advance(until, kEventsPerTurn);
  pacer_.reached(real(), world_.now());
  after_turn_();
  arrived ? sleep() : wake();
}

void LivePump::sleep() {
  if (posted_) return;
  if (pacer_.paused() && world_.owed_until()) return wake();
  const auto next = world_.next_event();
  const Instant far = world_.now() + 24h;
  const auto wait = pacer_.wait(real(), next.value_or(far));
  if (wait && *wait == Duration::zero()) return wake();
  timer_.arm(std::min(wait.value_or(kSleepMax), kSleepMax));
}

}  // namespace keelson::cli
