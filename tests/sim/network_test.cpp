// Delay, loss and cuts between hosts.
#include "sim/world/network.hpp"

#include <gtest/gtest.h>

namespace keelson::sim {
namespace {

HostSet hosts(std::initializer_list<HostId> list) {
  HostSet set;
  for (const HostId host : list) set.add(host);
  return set;
}

TEST(Network, DelaysStayWithinTheirBounds) {
  Network network(Rng(1), {2ms, 5ms});
  bool differ = false;
  std::optional<Duration> first;
  for (int i = 0; i < 200; ++i) {
    const auto delay = network.transit(1, 2);
    ASSERT_TRUE(delay);
    EXPECT_GE(*delay, 2ms);
    EXPECT_LE(*delay, 5ms);
    if (!first) first = delay;
    differ = differ || *delay != *first;
  }
  EXPECT_TRUE(differ);
}

TEST(Network, ACutIsDirectedAndConcernsOnlyItsHosts) {
  Network network(Rng(1), {});
  const auto cut = network.add_cut(hosts({1}), hosts({2, 3}));
  EXPECT_FALSE(network.transit(1, 2));
  EXPECT_FALSE(network.stream_transit(1, 3));
  EXPECT_TRUE(network.transit(2, 1)) << "the other way is whole";
  EXPECT_TRUE(network.transit(1, 4));
  EXPECT_TRUE(network.transit(2, 3));
  EXPECT_EQ(network.blocked(), 2u);
  network.heal(cut);
  EXPECT_TRUE(network.transit(1, 2));
}

TEST(Network, OverlappingCutsHealOneByOne) {
  Network network(Rng(1), {});
  const auto a = network.add_cut(hosts({1}), hosts({2}));
  const auto b = network.add_cut(hosts({1, 5}), hosts({2}));
  network.heal(a);
  EXPECT_TRUE(network.cut(1, 2)) << "the second cut is still there";
  network.heal(b);
  EXPECT_FALSE(network.cut(1, 2));
}

TEST(Network, LossTakesCallsButNotSegmentsOfStreams) {
  Network network(Rng(1), {});
  network.set_loss_ppm(1'000'000);
  EXPECT_FALSE(network.transit(1, 2));
  EXPECT_TRUE(network.stream_transit(1, 2)) << "a stream sends again what was lost";
  EXPECT_EQ(network.lost(), 1u);
  network.set_loss_ppm(250'000);
  int lost = 0;
  for (int i = 0; i < 4000; ++i) lost += !network.transit(1, 2);
  EXPECT_GT(lost, 800);
  EXPECT_LT(lost, 1200);
}

TEST(Network, ASlowHostSlowsBothDirections) {
  Network network(Rng(1), {1ms, 1ms});
  network.set_extra_delay(2, 1s);
  EXPECT_EQ(*network.transit(1, 2), 1s + 1ms);
  EXPECT_EQ(*network.transit(2, 1), 1s + 1ms);
  EXPECT_EQ(*network.transit(1, 3), 1ms);
  network.set_extra_delay(2, 0s);
  EXPECT_EQ(*network.transit(1, 2), 1ms);
}

}  // namespace
}  // namespace keelson::sim
