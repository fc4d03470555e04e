// The event loop port: how core learns the time and asks to be called later. `runtime` implements it
// on asio, `sim` on virtual time. Everything in core runs on one thread, inside such a loop.
#pragma once

#include <cstdint>

#include "core/base/callback.hpp"
#include "core/base/time.hpp"

namespace keelson {

class Clock {
 public:
  // Monotonic, constant within one turn of the loop.
  virtual Instant now() const = 0;
  // For timestamps in objects and logs only.
  virtual WallTime wall_now() const = 0;

 protected:
  ~Clock() = default;
};

struct TimerId {
  uint32_t slot = 0;
  uint32_t generation = 0;  // 0: no timer
};

class Loop : public Clock {
 public:
  // A timer is created once by its component and armed any number of times.
  virtual TimerId timer_create(Callback<void()> on_fire) = 0;
  // Fires once, `after` from now (not negative). Arming an armed timer replaces its time. Timers due
  // at the same instant fire in the order in which they were armed.
  virtual void timer_arm(TimerId timer, Duration after) = 0;
  virtual void timer_disarm(TimerId timer) = 0;
  // Armed and not yet fired.
  virtual bool timer_pending(TimerId timer) const = 0;
  // After this the callback is not called any more. Safe from inside the callback.
  virtual void timer_destroy(TimerId timer) = 0;
  // Runs `work` on a later turn at the same instant, after everything already due.
  virtual void post(Callback<void()> work) = 0;

 protected:
  ~Loop() = default;
};

// A timer owned by a component: created armed or idle, destroyed with its owner.
class Timer {
 public:
  Timer() = default;
  Timer(Loop& loop, Callback<void()> on_fire)
      : loop_(&loop), id_(loop.timer_create(std::move(on_fire))) {}
  Timer(Timer&& other) noexcept
      : loop_(std::exchange(other.loop_, nullptr)),
        id_(std::exchange(other.id_, {})),
        armed_until_(other.armed_until_) {}
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      destroy();
      loop_ = std::exchange(other.loop_, nullptr);
      id_ = std::exchange(other.id_, {});
      armed_until_ = other.armed_until_;
    }
    return *this;
  }
  ~Timer() { destroy(); }

  void arm(Duration after) {
    armed_until_ = loop_->now() + after;
    loop_->timer_arm(id_, after);
  }
  // Arms only if this makes it fire earlier than it already will.
  void arm_by(Duration after) {
    if (loop_->timer_pending(id_) && armed_until_ <= loop_->now() + after) return;
    arm(after);
  }
  void disarm() {
    armed_until_ = Instant{};
    if (loop_) loop_->timer_disarm(id_);
  }
  explicit operator bool() const { return loop_ != nullptr; }

 private:
  void destroy() {
    if (loop_) loop_->timer_destroy(id_);
    loop_ = nullptr;
  }
  Loop* loop_ = nullptr;
  TimerId id_;
  Instant armed_until_{};
};

}  // namespace keelson
