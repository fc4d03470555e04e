// The event engine: a total order of time and sequence, kept by a heap and a ring together.
#include "sim/engine/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/rng.hpp"

namespace keelson::sim {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  void at(Duration after, const std::string& name) {
    engine.schedule(after, engine.world(), [this, name] { ran.push_back(name); });
  }
  void run() {
    while (engine.step()) {
    }
  }
  Engine engine;
  std::vector<std::string> ran;
};

using Names = std::vector<std::string>;

TEST_F(EngineTest, RunsInOrderOfTimeWhateverTheOrderOfScheduling) {
  at(3s, "c");
  at(1s, "a");
  at(2s, "b");
  run();
  EXPECT_EQ(ran, (Names{"a", "b", "c"}));
  EXPECT_EQ(engine.now(), Instant{3s});
  EXPECT_EQ(engine.events_run(), 3u);
  EXPECT_FALSE(engine.step());
}

TEST_F(EngineTest, EventsOfOneInstantRunInTheOrderInWhichTheyWereScheduled) {
  for (int i = 0; i < 20; ++i) at(1s, std::to_string(i));
  run();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(EngineTest, WhatIsDueNowComesAfterWhatWasScheduledForNowBefore) {
  // "later" sits in the heap, for the instant at which "now" is put into the ring: the sequence
  // decides, not the place where an event is kept.
  engine.schedule(1s, engine.world(), [this] {
    ran.push_back("first");
    at(0s, "now");
  });
  at(1s, "later");
  run();
  EXPECT_EQ(ran, (Names{"first", "later", "now"}));
}

TEST_F(EngineTest, WhatIsDueNowComesBeforeWhatIsDueLater) {
  engine.schedule(1s, engine.world(), [this] {
    at(1ns, "soon");
    at(0s, "now");
  });
  run();
  EXPECT_EQ(ran, (Names{"now", "soon"}));
}

TEST_F(EngineTest, TheRingGrowsWithoutLosingOrReorderingAnything) {
  constexpr int kMany = 5000;  // more than the ring holds at first
  std::vector<int> order;
  engine.schedule(1s, engine.world(), [&] {
    for (int i = 0; i < kMany; ++i) {
      engine.schedule(0s, engine.world(), [&order, i] { order.push_back(i); });
    }
  });
  run();
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kMany));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(EngineTest, ACancelledEventDoesNotRun) {
  const EventId in_heap = engine.schedule(1s, engine.world(), [this] { ran.push_back("heap"); });
  const EventId in_ring = engine.schedule(0s, engine.world(), [this] { ran.push_back("ring"); });
  at(2s, "other");
  EXPECT_EQ(engine.pending(), 3u);
  EXPECT_TRUE(engine.cancel(in_heap));
  EXPECT_TRUE(engine.cancel(in_ring));
  EXPECT_EQ(engine.pending(), 1u);
  EXPECT_FALSE(engine.cancel(in_heap)) << "it is cancelled already";
  run();
  EXPECT_EQ(ran, Names{"other"});
}

TEST_F(EngineTest, AStaleHandleDoesNotCancelTheEventThatTookItsPlace) {
  const EventId old = engine.schedule(1s, engine.world(), [] {});
  run();
  at(1s, "new");  // takes the slot that is free again
  EXPECT_FALSE(engine.cancel(old));
  EXPECT_FALSE(engine.cancel(EventId{}));
  run();
  EXPECT_EQ(ran, Names{"new"});
}

TEST_F(EngineTest, AnEventMayCancelAnotherOfItsInstant) {
  EventId second;
  engine.schedule(1s, engine.world(), [&] { EXPECT_TRUE(engine.cancel(second)); });
  second = engine.schedule(1s, engine.world(), [this] { ran.push_back("second"); });
  run();
  EXPECT_TRUE(ran.empty());
}

TEST_F(EngineTest, RunUntilIncludesItsEndAndStandsThere) {
  at(1s, "before");
  at(2s, "at");
  at(2s + 1ns, "after");
  engine.run_until(Instant{2s});
  EXPECT_EQ(ran, (Names{"before", "at"}));
  EXPECT_EQ(engine.now(), Instant{2s});
  engine.run_until(Instant{10s});
  EXPECT_EQ(ran.back(), "after");
  EXPECT_EQ(engine.now(), Instant{10s});
}

TEST_F(EngineTest, ACancelledEventAtTheFrontDoesNotLetALaterOneRunEarly) {
  const EventId front = engine.schedule(1s, engine.world(), [] {});
  at(5s, "late");
  engine.cancel(front);
  EXPECT_FALSE(engine.due_by(Instant{4s}));
  engine.run_until(Instant{4s});
  EXPECT_TRUE(ran.empty());
}

TEST_F(EngineTest, EventsOfAnEarlierLifeAreDropped) {
  Actor actor{7, 0, false, {}};
  engine.schedule(1s, actor, [this] { ran.push_back("old life"); });
  ++actor.life;
  engine.schedule(1s, actor, [this] { ran.push_back("new life"); });
  run();
  EXPECT_EQ(ran, Names{"new life"});
}

TEST_F(EngineTest, EventsOfAPausedActorWaitInOrder) {
  Actor actor{7, 0, true, {}};
  engine.schedule(2s, actor, [this] { ran.push_back("2"); });
  engine.schedule(1s, actor, [this] { ran.push_back("1"); });
  at(1s, "world");
  run();
  EXPECT_EQ(ran, Names{"world"});
  ASSERT_EQ(actor.deferred.size(), 2u);
  for (auto& work : actor.deferred) work();
  EXPECT_EQ(ran, (Names{"world", "1", "2"}));
}

// A schedule of many events, some of them cancelled, compared with a sorted list.
TEST_F(EngineTest, AgreesWithASortedListOnRandomSchedules) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Engine random_engine;
    Rng rng(seed);
    struct Expected {
      int64_t at;
      int number;
    };
    std::vector<Expected> expected;
    std::vector<EventId> ids;
    std::vector<int> order;
    for (int i = 0; i < 500; ++i) {
      const auto at = static_cast<int64_t>(rng.below(50));
      ids.push_back(random_engine.schedule(Duration{at}, random_engine.world(),
                                           [&order, i] { order.push_back(i); }));
      expected.push_back({at, i});
    }
    for (int i = 0; i < 500; ++i) {
      if (!rng.chance(1, 5)) continue;
      EXPECT_TRUE(random_engine.cancel(ids[static_cast<std::size_t>(i)]));
      std::erase_if(expected, [i](const Expected& e) { return e.number == i; });
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const Expected& a, const Expected& b) { return a.at < b.at; });
    while (random_engine.step()) {
    }
    std::vector<int> numbers;
    for (const Expected& e : expected) numbers.push_back(e.number);
    EXPECT_EQ(order, numbers) << "seed " << seed;
  }
}

TEST_F(EngineTest, TheDigestTellsWhoActedAndWhen) {
  const auto digest = [](Duration first, uint32_t second_actor) {
    Engine e;
    Actor a{1, 0, false, {}}, b{second_actor, 0, false, {}};
    e.schedule(first, a, [] {});
    e.schedule(5s, b, [] {});
    while (e.step()) {
    }
    return e.digest().value();
  };
  EXPECT_EQ(digest(1s, 2), digest(1s, 2));
  EXPECT_NE(digest(1s, 2), digest(2s, 2));
  EXPECT_NE(digest(1s, 2), digest(1s, 3));
}

}  // namespace
}  // namespace keelson::sim
