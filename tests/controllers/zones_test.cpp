#include "core/controllers/zones.hpp"

#include <gtest/gtest.h>

#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

const Instant kZonesStart{std::chrono::seconds(1000)};

TEST(ZoneOf, joins_region_and_zone_and_knows_the_older_labels) {
  api::Node node = test::net::node("n", "a");
  EXPECT_EQ(zone_of(node), ":a");
  (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/region"] = "eu";
  EXPECT_EQ(zone_of(node), "eu:a");
  api::Node older = test::net::node("o");
  EXPECT_EQ(zone_of(older), "");
  (*older.mutable_metadata()->mutable_labels())["failure-domain.beta.kubernetes.io/zone"] = "b";
  EXPECT_EQ(zone_of(older), ":b");
  EXPECT_EQ(zone_label_of(older), "b");
}

TEST(ZoneState, follows_kubernetes_thresholds) {
  EXPECT_EQ(zone_state({0, 0}), ZoneState::normal);
  EXPECT_EQ(zone_state({0, 1}), ZoneState::full);
  EXPECT_EQ(zone_state({1, 2}), ZoneState::normal) << "two are never a partial disruption";
  EXPECT_EQ(zone_state({2, 3}), ZoneState::partial) << "60 %";
  EXPECT_EQ(zone_state({9, 11}), ZoneState::partial) << "55 % is enough";
  EXPECT_EQ(zone_state({10, 12}), ZoneState::normal) << "54.5 % is not";
}

TEST(ZonePace, slows_down_in_large_zones_and_stops_in_small_ones) {
  const NodeTiming timing = kubernetes_timing();
  EXPECT_EQ(pace_for(ZoneState::normal, 100, timing).interval, 10s);
  EXPECT_EQ(pace_for(ZoneState::full, 100, timing).interval, 10s);
  EXPECT_EQ(pace_for(ZoneState::partial, 51, timing).interval, 100s);
  EXPECT_EQ(pace_for(ZoneState::partial, 50, timing).interval, Duration::zero());
}

TEST(EvictionLimiter, lets_one_through_per_interval) {
  EvictionLimiter limiter({10s, 1});
  EXPECT_TRUE(limiter.try_take(kZonesStart));
  EXPECT_FALSE(limiter.try_take(kZonesStart + 9s));
  EXPECT_EQ(limiter.next_token(kZonesStart + 9s), kZonesStart + 10s);
  EXPECT_TRUE(limiter.try_take(kZonesStart + 10s));
  EXPECT_FALSE(limiter.try_take(kZonesStart + 19s));
  EXPECT_TRUE(limiter.try_take(kZonesStart + 25s));
  EXPECT_FALSE(limiter.try_take(kZonesStart + 29s)) << "a bucket of one saves nothing up";
}

TEST(EvictionLimiter, bursts_and_refills) {
  EvictionLimiter limiter({50ms, 3});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.try_take(kZonesStart)) << i;
  EXPECT_FALSE(limiter.try_take(kZonesStart));
  EXPECT_TRUE(limiter.try_take(kZonesStart + 50ms));
  EXPECT_FALSE(limiter.try_take(kZonesStart + 50ms));
  int taken = 0;
  for (int i = 0; i < 10; ++i) taken += limiter.try_take(kZonesStart + 10s);
  EXPECT_EQ(taken, 3);
}

TEST(EvictionLimiter, a_stopped_one_gives_nothing_and_resumes_without_arrears) {
  EvictionLimiter limiter({10s, 1});
  EXPECT_TRUE(limiter.try_take(kZonesStart));
  limiter.set_pace({Duration::zero(), 1}, kZonesStart);
  EXPECT_FALSE(limiter.try_take(kZonesStart + 1h));
  EXPECT_EQ(limiter.next_token(kZonesStart + 1h), Instant::max());
  limiter.set_pace({10s, 1}, kZonesStart + 1h);
  EXPECT_FALSE(limiter.try_take(kZonesStart + 1h + 9s));
  EXPECT_TRUE(limiter.try_take(kZonesStart + 1h + 10s));
}

}  // namespace
}  // namespace keelson::controllers
