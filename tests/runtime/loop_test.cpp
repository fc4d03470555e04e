// The real loop keeps the promises of the port.
#include "runtime/loop/asio_loop.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "runtime/loop/entropy.hpp"

namespace keelson::runtime {
namespace {

TEST(AsioLoop, RunsWhatIsPostedInOrderAtOneInstant) {
  AsioLoop loop;
  std::vector<int> ran;
  loop.post([&] {
    const Instant before = loop.now();
    loop.post([&] { ran.push_back(3); });
    loop.post([&] { loop.stop(); });
    ran.push_back(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(loop.now(), before) << "time stands still within a turn";
  });
  loop.post([&] { ran.push_back(2); });
  loop.run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(AsioLoop, TimersFireInTheOrderOfTheirTimesThenOfTheirArming) {
  AsioLoop loop;
  std::vector<int> fired;
  Timer a(loop, [&] { fired.push_back(1); });
  Timer b(loop, [&] { fired.push_back(2); });
  Timer c(loop, [&] { fired.push_back(3); });
  Timer never(loop, [&] { fired.push_back(99); });
  Timer end(loop, [&] { loop.stop(); });
  loop.post([&] {
    // One turn, so one instant.
    end.arm(std::chrono::milliseconds(20));
    b.arm(std::chrono::milliseconds(5));
    a.arm(std::chrono::milliseconds(5));
    c.arm(std::chrono::milliseconds(1));
    never.arm(std::chrono::milliseconds(3));
    never.disarm();
    a.arm(std::chrono::milliseconds(5));
  });
  loop.run();
  EXPECT_EQ(fired, (std::vector<int>{3, 2, 1}));
}

TEST(AsioLoop, ATimerMayReplaceAndDestroyItselfFromWithin) {
  AsioLoop loop;
  int fired = 0;
  Timer timer;
  timer = Timer(loop, [&] {
    if (++fired < 3) return timer.arm(Duration::zero());
    timer = Timer(loop, [&] {
      ++fired;
      loop.stop();
    });
    timer.arm(Duration::zero());
  });
  timer.arm(Duration::zero());
  loop.run();
  EXPECT_EQ(fired, 4);
}

TEST(AsioLoop, RearmingManyTimesKeepsOneFiring) {
  AsioLoop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  Timer end(loop, [&] { loop.stop(); });
  for (int i = 0; i < 10'000; ++i) timer.arm(std::chrono::milliseconds(1 + i % 5));
  end.arm(std::chrono::milliseconds(10));
  loop.run();
  EXPECT_EQ(fired, 1);
}

TEST(AsioLoop, TakesWorkFromOtherThreadsInOrder) {
  AsioLoop loop;
  constexpr int kEach = 10'000;
  int last[2] = {-1, -1};
  int ran = 0;
  const auto feed = [&](int who) {
    for (int i = 0; i < kEach; ++i) {
      loop.post_from_any_thread([&, who, i] {
        EXPECT_EQ(i, last[who] + 1);
        last[who] = i;
        if (++ran == 2 * kEach) loop.stop();
      });
    }
  };
  std::thread one(feed, 0), two(feed, 1);
  loop.run();
  one.join();
  two.join();
  EXPECT_EQ(ran, 2 * kEach);
}

TEST(AsioLoop, WhatIsLeftAtTheEndIsDestroyedAndMayStillPost) {
  struct Late {
    AsioLoop* loop;
    int* destroyed;
    ~Late() {
      ++*destroyed;
      loop->post([] {});
    }
  };
  int destroyed = 0;
  {
    AsioLoop loop;
    auto late = std::make_shared<Late>(&loop, &destroyed);
    loop.post_from_any_thread([late = std::move(late)] {});
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(Entropy, DiffersEachTime) {
  EXPECT_NE(entropy_seed(), entropy_seed());
  EXPECT_EQ(random_bytes(32).size(), 32u);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

}  // namespace
}  // namespace keelson::runtime
