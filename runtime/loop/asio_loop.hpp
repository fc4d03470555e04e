// The Loop port on a Boost.Asio io_context: the thread that calls run() is the core thread, and
// everything in core runs on it.
//
// A turn is one callback: the time is read when a turn first asks for it and stands still until the
// turn ends. Timers due at the same instant fire in the order in which they were armed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/loop.hpp"

namespace boost::asio {
class io_context;
}

namespace keelson::runtime {

class AsioLoop final : public Loop {
 public:
  AsioLoop();
  ~AsioLoop();  // destroys what is still posted without running it
  AsioLoop(const AsioLoop&) = delete;
  AsioLoop& operator=(const AsioLoop&) = delete;

  Instant now() const override;
  WallTime wall_now() const override;
  TimerId timer_create(Callback<void()> on_fire) override;
  void timer_arm(TimerId timer, Duration after) override;
  void timer_disarm(TimerId timer) override;
  bool timer_pending(TimerId timer) const override;
  void timer_destroy(TimerId timer) override;
  void post(Callback<void()> work) override;

  // Runs until stop(). Call it once, on the thread that is to be the core thread.
  void run();
  // Instead of run(), for whoever drives the loop by hand: what is due now, then one event from outside
  // if there is one within `at_most`. False: there was nothing.
  bool run_round(Duration at_most);
  // Ends run() after the turn at hand. From any thread, at any time; async-signal-safe it is not.
  void stop();
  // The only way in from another thread: `work` runs on the core thread, in the order of the calls.
  // After stop() it is kept, and destroyed with the loop. A burst of calls costs one wake-up.
  void post_from_any_thread(Callback<void()> work);

  // For adapters that wait for file descriptors on the core thread (a store's connection). Their
  // handlers are turns of their own.
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::runtime
