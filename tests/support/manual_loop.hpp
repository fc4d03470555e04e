// A loop for tests: time stands still until the test moves it.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/base/loop.hpp"

namespace keelson::test {

class ManualLoop final : public Loop {
 public:
  Instant now() const override { return now_; }
  WallTime wall_now() const override {
    return {kWallEpochNs + now_.time_since_epoch().count() + wall_offset.count()};
  }
  TimerId timer_create(Callback<void()> on_fire) override {
    timers_.push_back({std::move(on_fire), 0, false, true});
    return {static_cast<uint32_t>(timers_.size() - 1), 1};
  }
  void timer_arm(TimerId id, Duration after) override {
    Slot& slot = timers_[id.slot];
    KEELSON_ASSERT(slot.alive && after >= Duration::zero());
    slot.armed = ++sequence_;
    queue_.emplace(std::pair{now_ + after, slot.armed}, static_cast<int64_t>(id.slot));
  }
  void timer_disarm(TimerId id) override { timers_[id.slot].armed = 0; }
  bool timer_pending(TimerId id) const override { return timers_[id.slot].armed != 0; }
  void timer_destroy(TimerId id) override {
    timers_[id.slot].armed = 0;
    timers_[id.slot].alive = false;
    if (!timers_[id.slot].running) timers_[id.slot].on_fire.reset();
  }
  void post(Callback<void()> work) override {
    posted_.push_back(std::move(work));
    queue_.emplace(std::pair{now_, ++sequence_}, -static_cast<int64_t>(posted_.size()));
  }

  // Runs everything due within the next `d`, advancing the time to each event and then to the end.
  void run_for(Duration d) {
    const Instant end = now_ + d;
    while (!queue_.empty() && queue_.begin()->first.first <= end) step();
    now_ = end;
  }
  // Runs everything that is due now.
  void settle() { run_for(Duration::zero()); }

  Duration wall_offset{};  // a test sets it to step the wall clock

 private:
  static constexpr int64_t kWallEpochNs = 1'790'000'000'000'000'000;  // September 2026
  struct Slot {
    Callback<void()> on_fire;
    uint64_t armed = 0;  // sequence number of the pending arming; 0: idle
    bool running = false;
    bool alive = false;
  };
  void step() {
    const auto [when, what] = *queue_.begin();
    queue_.erase(queue_.begin());
    now_ = when.first;
    if (what < 0) {
      Callback<void()> work = std::move(posted_[static_cast<std::size_t>(-what - 1)]);
      work();
      return;
    }
    const auto slot = static_cast<std::size_t>(what);
    if (timers_[slot].armed != when.second) return;  // re-armed or disarmed meanwhile
    timers_[slot].armed = 0;
    timers_[slot].running = true;
    Callback<void()> on_fire = std::move(timers_[slot].on_fire);
    on_fire();
    timers_[slot].running = false;
    if (timers_[slot].alive) timers_[slot].on_fire = std::move(on_fire);
  }
  Instant now_{Duration{1'000'000'000}};  // not zero: a zero Instant means "never" in places
  uint64_t sequence_ = 0;
  std::vector<Slot> timers_;
  std::vector<Callback<void()>> posted_;
  std::multimap<std::pair<Instant, uint64_t>, int64_t> queue_;
};

}  // namespace keelson::test
