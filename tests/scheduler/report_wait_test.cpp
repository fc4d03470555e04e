// Whom the scheduler waits for after lost history, and for how long. That this keeps pods from running
// twice is shown on whole worlds (tests/sim/lost_history_test.cpp).
#include <gtest/gtest.h>

#include "core/client/lost_history.hpp"
#include "tests/scheduler/scheduler_world.hpp"

namespace keelson {
namespace {

using namespace test;

// A scheduler that has seen revisions from before a gap and then some from after it, and a pod that waits.
struct ReportWaitTest : testing::Test {
  SchedulerWorld w;
  uint64_t gap = client::epoch_gap;

  static NodeBuilder worker(const std::string& name, const std::string& readiness = "True") {
    NodeBuilder node = big_node(name);
    node.with([&](api::Node& message) {
      message.mutable_status()->clear_conditions();
      auto* condition = message.mutable_status()->add_conditions();
      condition->set_type("Ready");
      condition->set_status(readiness);
    });
    return node;
  }
  static NodeBuilder agreeing(const std::string& name, uint64_t as_of, const std::string& readiness = "True") {
    NodeBuilder node = worker(name, readiness);
    return node.annotation(std::string(client::agrees_annotation), std::to_string(as_of));
  }
  static NodeBuilder ending(const std::string& name, uint64_t as_of, const std::string& readiness = "True") {
    NodeBuilder node = agreeing(name, 0, readiness);
    return node.annotation(std::string(client::ends_annotation), std::to_string(as_of));
  }
  // The gap is seen, and the pod comes.
  void lose_history() {
    w.start();
    w.api.skip(gap);
    w.put(agreeing("home", 2 * gap)).put(pod("web"));
    // Another kind's cache has moved on as well.
    w.loop.settle();
  }
  bool placed() const { return !w.api.node_of("web").empty(); }
  // After how many seconds from now it is placed; -1: not within `limit`.
  int placed_after(int limit) {
    for (int second = 0; second <= limit; ++second) {
      if (placed()) return second;
      w.loop.run_for(1s);
    }
    return -1;
  }
};

TEST_F(ReportWaitTest, WithoutAGapNobodyIsWaitedFor) {
  w.put(agreeing("n", 0)).put(pod("web"));
  w.start();
  EXPECT_TRUE(placed());
}

TEST_F(ReportWaitTest, AgentsThatNeverSaySuchThingsAreNotWaitedFor) {
  w.put(worker("old"));
  lose_history();
  EXPECT_FALSE(placed());  // Nodes that were lost have time to turn up
  EXPECT_LE(placed_after(40), 6);
}

TEST_F(ReportWaitTest, ASilentNodeIsWaitedForAsLongAsPatienceReadyOrNot) {
  w.put(agreeing("dead", 0, "Unknown"));
  lose_history();
  const int after = placed_after(60);
  EXPECT_GE(after, 39);
  EXPECT_LE(after, 42);
}

TEST_F(ReportWaitTest, ANodeThatAgreesEndsTheWait) {
  w.put(agreeing("n", 0));
  lose_history();
  EXPECT_EQ(placed_after(20), -1);
  w.put(agreeing("n", 2 * gap));
  EXPECT_LE(placed_after(20), 2);
}

TEST_F(ReportWaitTest, ANodeThatTurnsUpOrBecomesReadyIsGivenPatienceAnew) {
  w.put(agreeing("n", 0, "Unknown"));
  lose_history();
  EXPECT_EQ(placed_after(30), -1);
  w.put(agreeing("n", 0));
  w.put(agreeing("lost", 0));
  EXPECT_EQ(placed_after(35), -1);
  w.put(agreeing("n", 2 * gap));
  EXPECT_EQ(placed_after(1), -1);  // and there is the other
  EXPECT_NE(placed_after(10), -1);
}

// Something was placed already when it did: no more is.
TEST_F(ReportWaitTest, ANodeThatTurnsUpStopsThePlacing) {
  lose_history();
  EXPECT_LE(placed_after(20), 6);
  w.put(agreeing("lost", 0));
  w.loop.settle();
  w.put(pod("next"));
  w.loop.run_for(20s);
  EXPECT_EQ(w.api.node_of("next"), "");
  w.put(agreeing("lost", 2 * gap));
  w.loop.run_for(2s);
  EXPECT_NE(w.api.node_of("next"), "");
}

TEST_F(ReportWaitTest, ALateNodeStopsNothing) {
  lose_history();
  w.loop.run_for(60s);
  ASSERT_TRUE(placed());
  w.put(agreeing("late", 0)).put(pod("next"));
  w.loop.settle();
  EXPECT_NE(w.api.node_of("next"), "");
}

TEST_F(ReportWaitTest, WhoIsEndingIsWaitedForWhileItLives) {
  lose_history();
  w.put(ending("n", gap + 5));
  EXPECT_EQ(w.api.node_of("web"), "");
  EXPECT_EQ(placed_after(300), -1);
  w.put(ending("n", gap + 5, "Unknown"));
  EXPECT_LE(placed_after(10), 2);
}

// What an agent has said of an earlier gap is no word about this one.
TEST_F(ReportWaitTest, WhoWasEndingBeforeIsSilent) {
  w.put(ending("n", 1));
  lose_history();
  EXPECT_GE(placed_after(60), 39);
}

// Patience is spent once per gap: also by a standby, and not again by whoever is elected next.
TEST_F(ReportWaitTest, AnElectionDoesNotBeginAnew) {
  w.put(agreeing("dead", 0, "Unknown"));
  w.start();
  w.scheduler.stop();
  w.api.skip(gap);
  w.put(agreeing("home", 2 * gap)).put(pod("web"));
  w.loop.run_for(45s);
  EXPECT_FALSE(placed());
  w.start();
  w.loop.run_for(1s);
  EXPECT_TRUE(placed());
}

// Of pods nothing is heard since the gap: not for ever, either.
TEST_F(ReportWaitTest, AnOldCacheIsWaitedForAsLongAsPatience) {
  w.put(pod("web").with(selects("at", "home")));
  w.put(big_node("elsewhere"));
  w.start();
  w.api.skip(gap);
  w.put(agreeing("home", 2 * gap).label("at", "home"));
  const int after = placed_after(60);
  EXPECT_GE(after, 39);
  EXPECT_LE(after, 42);
}

}  // namespace
}  // namespace keelson
