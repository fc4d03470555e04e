// A process as the unit of failure: what dies with it, what waits while it is paused, what its clocks
// show.
#include "sim/engine/process.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace keelson::sim {
namespace {

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() { process.start(); }
  void run(Duration how_long) { engine.run_until(engine.now() + how_long); }
  Timer timer(const std::string& name) {
    return Timer(process, [this, name] { ran.push_back(name); });
  }
  Engine engine;
  Process process{engine, 7, "test"};
  std::vector<std::string> ran;
};

using Names = std::vector<std::string>;

TEST_F(ProcessTest, TimersFireInOrderOfTheirTimes) {
  Timer late = timer("late"), early = timer("early");
  late.arm(2s);
  early.arm(1s);
  run(3s);
  EXPECT_EQ(ran, (Names{"early", "late"}));
}

TEST_F(ProcessTest, TimersDueTogetherFireInTheOrderInWhichTheyWereArmed) {
  Timer a = timer("a"), b = timer("b");
  b.arm(1s);
  a.arm(1s);
  run(1s);
  EXPECT_EQ(ran, (Names{"b", "a"}));
}

TEST_F(ProcessTest, ArmingAgainReplacesTheTime) {
  Timer t = timer("t");
  t.arm(1s);
  t.arm(3s);
  run(2s);
  EXPECT_TRUE(ran.empty());
  run(1s);
  EXPECT_EQ(ran, Names{"t"});
}

TEST_F(ProcessTest, ADisarmedOrDestroyedTimerDoesNotFire) {
  Timer disarmed = timer("disarmed");
  disarmed.arm(1s);
  disarmed.disarm();
  {
    Timer destroyed = timer("destroyed");
    destroyed.arm(1s);
  }
  run(2s);
  EXPECT_TRUE(ran.empty());
}

TEST_F(ProcessTest, ATimerMayArmItselfAgain) {
  int fired = 0;
  Timer t;
  t = Timer(process, [&] {
    if (++fired < 3) t.arm(1s);
  });
  t.arm(1s);
  run(10s);
  EXPECT_EQ(fired, 3);
}

TEST_F(ProcessTest, ATimerMayBeDestroyedFromItsOwnCallback) {
  auto t = std::make_unique<Timer>();
  *t = Timer(process, [&] {
    t.reset();
    ran.push_back("fired");
  });
  t->arm(1s);
  run(5s);
  EXPECT_EQ(ran, Names{"fired"});
}

TEST_F(ProcessTest, PostedWorkRunsAtTheSameInstantAfterWhatIsDue) {
  Timer t = timer("due");
  Timer first(process, [this] {
    process.post([this] { ran.push_back("posted"); });
    ran.push_back("first");
  });
  first.arm(1s);
  t.arm(1s);
  run(1s);
  EXPECT_EQ(ran, (Names{"first", "due", "posted"}));
}

TEST_F(ProcessTest, KillDropsTimersPostsAndMessages) {
  Timer t = timer("timer");
  t.arm(1s);
  process.post([this] { ran.push_back("post"); });
  process.deliver(1s, [this] { ran.push_back("message"); });
  process.kill();
  process.start();
  run(5s);
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(process.alive());
}

TEST_F(ProcessTest, EachLifeHasItsOwnNumberAndReceivesItsOwnMessages) {
  const uint32_t life = process.incarnation();
  process.kill();
  EXPECT_FALSE(process.alive());
  process.deliver(1s, [this] { ran.push_back("to the dead"); });
  process.start();
  EXPECT_NE(process.incarnation(), life);
  process.deliver(1s, [this] { ran.push_back("to the living"); });
  run(2s);
  EXPECT_EQ(ran, Names{"to the living"});
}

TEST_F(ProcessTest, ATimerOfAnEarlierLifeCanBeDestroyedLater) {
  auto old = std::make_unique<Timer>(timer("old"));
  old->arm(1s);
  process.kill();
  process.start();
  Timer fresh = timer("fresh");  // may take the old one's slot
  fresh.arm(1s);
  old.reset();
  run(2s);
  EXPECT_EQ(ran, Names{"fresh"});
}

TEST_F(ProcessTest, APausedProcessRunsNothingAndCatchesUpInOrderOnResume) {
  Timer a = timer("1 s"), b = timer("2 s"), c = timer("9 s");
  b.arm(2s);
  a.arm(1s);
  c.arm(9s);
  process.deliver(1500ms, [this] { ran.push_back("message"); });
  process.pause();
  EXPECT_TRUE(process.paused());
  run(5s);
  EXPECT_TRUE(ran.empty());
  process.resume();
  EXPECT_EQ(ran, (Names{"1 s", "message", "2 s"}));
  EXPECT_EQ(process.now() - (Instant{} + kMonotonicStart), 5s) << "its clock went on";
  run(5s);
  EXPECT_EQ(ran.back(), "9 s");
}

TEST_F(ProcessTest, APausedProcessThatIsKilledForgetsWhatWaited) {
  process.deliver(1s, [this] { ran.push_back("waited"); });
  process.pause();
  run(2s);
  process.kill();
  process.start();
  EXPECT_FALSE(process.paused());
  process.resume();
  run(1s);
  EXPECT_TRUE(ran.empty());
}

TEST_F(ProcessTest, PausingAgainWhileCatchingUpKeepsTheRestWaiting) {
  process.deliver(1s, [this] {
    ran.push_back("first");
    process.pause();
  });
  process.deliver(2s, [this] { ran.push_back("second"); });
  process.pause();
  run(3s);
  process.resume();
  EXPECT_EQ(ran, Names{"first"});
  process.resume();
  EXPECT_EQ(ran, (Names{"first", "second"}));
}

TEST_F(ProcessTest, TheWallClockMayJumpTheMonotonicOneDoesNot) {
  const WallTime wall = process.wall_now();
  const Instant monotonic = process.now();
  EXPECT_EQ(wall.unix_ns, kSimulatedEpochNs);
  Timer t = timer("t");
  t.arm(10s);
  process.step_wall_clock(-1h);
  EXPECT_EQ(process.wall_now().unix_ns - wall.unix_ns, -Duration{1h}.count());
  EXPECT_EQ(process.now(), monotonic);
  run(10s);
  EXPECT_EQ(ran, Names{"t"}) << "timers go by the monotonic clock";
  process.step_wall_clock(1h);
  EXPECT_EQ(process.wall_now().unix_ns - wall.unix_ns, Duration{10s}.count());
}

TEST_F(ProcessTest, ByItsOwnClockATimerNeverFiresEarly) {
  for (const int64_t rate : {2'000'000, 3'000'000, 1'500'000, 700'000}) {
    process.set_clock_rate(rate);
    for (int64_t ns = 1; ns <= 7; ++ns) {
      const Instant due = process.now() + Duration{ns};
      Instant fired{};
      Timer timer(process, [&] { fired = process.now(); });
      timer.arm(Duration{ns});
      engine.run_until(engine.now() + 1us);
      EXPECT_GE(fired, due) << rate << " millionths, " << ns << " ns";
    }
  }
}

TEST_F(ProcessTest, AFastClockMakesTimersFireEarlyInTrueTime) {
  process.set_clock_rate(2'000'000);
  const Instant local = process.now();
  Timer t = timer("t");
  t.arm(10s);
  run(4999ms);
  EXPECT_TRUE(ran.empty());
  run(1ms);
  EXPECT_EQ(ran, Names{"t"});
  EXPECT_EQ(process.now() - local, 10s);
}

TEST_F(ProcessTest, ASlowClockMakesTimersFireLateAndNeverGoesBack) {
  Instant last = process.now();
  process.set_clock_rate(250'000);
  Timer t = timer("t");
  t.arm(1s);
  run(3s);
  EXPECT_EQ(process.now() - last, 750ms);
  EXPECT_TRUE(ran.empty());
  run(1s);
  EXPECT_EQ(ran, Names{"t"});
  last = process.now();
  process.set_clock_rate(1'000'000);
  EXPECT_EQ(process.now(), last) << "a change of the rate is no jump";
  run(1s);
  EXPECT_EQ(process.now() - last, 1s);
}

TEST_F(ProcessTest, WhatTheNetworkDeliversGoesByTrueTime) {
  process.set_clock_rate(500'000);
  process.deliver(1s, [this] { ran.push_back("message"); });
  run(1s);
  EXPECT_EQ(ran, Names{"message"});
}

}  // namespace
}  // namespace keelson::sim
