// Drives a live world by the real clock, on the core thread's loop: as far as the pacer says, in
// turns short enough that requests get in between.
#pragma once

#include <chrono>
#include <functional>

#include "core/base/loop.hpp"
#include "sim/live/live_world.hpp"
#include "sim/live/pacer.hpp"

namespace keelson::cli {

class LivePump {
 public:
  // All must outlive the pump. `after_turn` is called when the world has moved on.
  LivePump(sim::LiveWorld& world, sim::Pacer& pacer, Loop& loop, std::function<void()> after_turn);

  // Real time since the process's clock began, as the pacer gets it.
  static Duration real();
  // There is something to do: it has begun, something has entered, or the pacer was changed.
  void wake();
  // Brings the world's time up to date, before something enters.
  void catch_up();

 private:
  void turn();
  void sleep();

  sim::LiveWorld& world_;
  sim::Pacer& pacer_;
  Loop& loop_;
  std::function<void()> after_turn_;
  bool posted_ = false;
  Timer timer_;
};

}  // namespace keelson::cli
