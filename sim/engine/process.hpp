// A Process is the unit of failure: it can be killed (with all its memory), paused, slowed down and
// given a wrong clock. Its components see it as their Loop; what it has scheduled dies with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/loop.hpp"
#include "sim/engine/engine.hpp"

namespace keelson::sim {

class Process final : public Loop {
 public:
  // `id` is unique in the run and part of the digest.
  Process(Engine& engine, uint32_t id, std::string name);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const { return name_; }
  uint32_t id() const { return actor_.id; }

  // --- Loop, as the components of the process see it ---------------------------------------------
  Instant now() const override;
  WallTime wall_now() const override;
  TimerId timer_create(Callback<void()> on_fire) override;
  void timer_arm(TimerId timer, Duration after) override;
  void timer_disarm(TimerId timer) override;
  bool timer_pending(TimerId timer) const override;
  void timer_destroy(TimerId timer) override;
  void post(Callback<void()> work) override;

  // --- Life and faults ----------------------------------------------------------------------------
  bool alive() const { return alive_; }
  // Counts the lives of this process; 0 before the first start.
  uint32_t incarnation() const { return actor_.life; }
  void start();
  // Everything scheduled is forgotten. The owner destroys the components.
  void kill();
  bool paused() const { return actor_.paused; }
  // Nothing runs until resume(); what came due meanwhile then runs at once, in order, and the
  // components do not know how much time has passed before they look at the clock.
  void pause();
  void resume();
  // The wall clock jumps; the monotonic one does not.
  void step_wall_clock(Duration by) { wall_offset_ += by; }
  // Both clocks run at this rate, in millionths: 1,000,000 is true time.
  void set_clock_rate(int64_t ppm);

  // Runs `work` in this process `after` true time from now, if it is still the same incarnation then;
  // how the network delivers. A paused process gets it on resume.
  void deliver(Duration after, Callback<void()> work);

 private:
  struct TimerSlot {
    Callback<void()> on_fire;
    EventId event;
    uint32_t generation = 1;
    bool live = false;
  };
  void fire(uint32_t slot, uint32_t generation);
  Duration to_true(Duration local) const;

  Engine& engine_;
  Actor actor_;
  std::string name_;
  bool alive_ = false;
  int64_t rate_ppm_ = 1'000'000;
  Instant rate_since_{};    // true time of the last rate change
  Instant local_at_rate_{}; // local time then
  Duration wall_offset_{};
  std::vector<TimerSlot> timers_;
  std::vector<uint32_t> free_timers_;
};

// Monotonic time does not begin at zero, as nowhere it does.
inline constexpr Duration kMonotonicStart = 1000s;

}  // namespace keelson::sim
