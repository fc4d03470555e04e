// The decision against the reference on random clusters: the same feasible nodes, the same best
// ones.
#include <gtest/gtest.h>

#include "tests/scheduler/cluster.hpp"
#include "tests/scheduler/reference.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::Decision;

template <class T>
const T& pick(Rng& rng, const std::vector<T>& list) {
  return list[rng.below(list.size())];
}

api::Node random_node(Rng& rng, int number) {
  auto builder = big_node("n" + std::to_string(number), pick<std::string>(rng, {"2", "4", "3500m"}),
                          pick<std::string>(rng, {"4Gi", "8Gi", "5000M"}),
                          pick<std::string>(rng, {"3", "5", "110"}));
  if (rng.chance(3, 4)) builder.zone(pick<std::string>(rng, {"a", "b", "c"}));
  if (rng.chance(1, 2)) builder.label("disk", pick<std::string>(rng, {"ssd", "hdd"}));
  if (rng.chance(1, 3)) {
    builder.with(taint(pick<std::string>(rng, {"k", "l"}), pick<std::string>(rng, {"v", "w"}),
                       pick<std::string>(rng, {"NoSchedule", "PreferNoSchedule", "NoExecute",
                                               "PreferNoSchedule"})));
  }
  if (rng.chance(1, 8)) builder.with(cordon);
  if (rng.chance(1, 4)) builder.allocatable("nvidia.com/gpu", "2");
  if (rng.chance(1, 2)) builder.with(image("web:1", 500 << 20));
  if (rng.chance(1, 3)) builder.with(image("db:1", 900 << 20));
  return builder.message();
}

api::Pod random_pod(Rng& rng, const std::string& name) {
  PodBuilder builder = pod(name);
  builder.image(pick<std::string>(rng, {"web:1", "db:1", "other:1"}));
  if (rng.chance(3, 4)) {
    builder.with(requests("cpu", pick<std::string>(rng, {"100m", "500m", "1"})));
  }
  if (rng.chance(3, 4)) {
    builder.with(requests("memory", pick<std::string>(rng, {"128Mi", "1Gi", "333M"})));
  }
  if (rng.chance(1, 8)) builder.with(requests("nvidia.com/gpu", "1"));
  if (rng.chance(1, 8)) builder.with(host_port(static_cast<int32_t>(8000 + rng.below(2))));
  if (rng.chance(1, 2)) builder.label("app", pick<std::string>(rng, {"web", "db"}));
  if (rng.chance(1, 3)) {
    builder.with(tolerates(pick<std::string>(rng, {"k", "l", ""}), "Exists", "",
                           pick<std::string>(rng, {"", "NoSchedule", "PreferNoSchedule"})));
  }
  if (rng.chance(1, 5)) builder.with(selects("disk", "ssd"));
  if (rng.chance(1, 5)) {
    builder.with(requires_node("disk", pick<std::string>(rng, {"NotIn", "In"}), {"hdd"}));
    if (rng.chance(1, 2)) builder.with(requires_node("topology.kubernetes.io/zone", "Exists", {}));
  }
  if (rng.chance(1, 3)) builder.with(prefers_node(20, "disk", "ssd"));
  if (rng.chance(1, 3)) builder.with(prefers_node(30, "topology.kubernetes.io/zone", "b"));
  return builder.message();
}

// The nodes that the scheduler can choose, and their totals, taken out of it by asking repeatedly.
TEST(Reference, AgreesOnFeasibilityAndOnTheBestNodes) {
  int placed = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Rng rng(seed);
    ReferenceCluster reference;
    Cluster cluster;
    const auto node_count = static_cast<int>(1 + rng.below(12));
    for (int i = 0; i < node_count; ++i) {
      reference.nodes.push_back(random_node(rng, i));
      cluster.add(api::make_object(reference.nodes.back()));
    }
    const api::ObjectPtr set = replica_set("web").selects("app", "web").object();
    cluster.add(set);
    for (int i = 0; i < 40; ++i) {
      api::Pod incoming = random_pod(rng, "p" + std::to_string(i));
      reference.spread.clear();
      if (incoming.metadata().labels().contains("app") &&
          incoming.metadata().labels().at("app") == "web") {
        auto* owner = incoming.mutable_metadata()->add_owner_references();
        owner->set_kind("ReplicaSet");
        owner->set_name("web");
        owner->set_uid(set->uid());
        owner->set_controller(true);
        reference.spread.push_back(api::LabelSelectorMatcher::parse("app=web").value());
      }
      const Reference expected(reference, incoming);
      std::set<std::string> feasible;
      for (const auto& node : reference.nodes) {
        if (expected.feasible(node)) feasible.insert(node.metadata().name());
      }
      const Decision decision = cluster.decide(api::make_object(incoming));
      SCOPED_TRACE("seed " + std::to_string(seed) + ", pod " + std::to_string(i));
      ASSERT_EQ(decision.feasible, feasible.size());
      ASSERT_EQ(decision.evaluated, reference.nodes.size());
      if (feasible.empty()) {
        ASSERT_NE(decision.kind, Decision::Kind::node);
        ++refused;
        continue;
      }
      ASSERT_EQ(decision.kind, Decision::Kind::node);
      const std::string chosen = cluster.node_of(decision);
      ASSERT_TRUE(feasible.contains(chosen)) << chosen;
      const auto totals = expected.totals();
      int64_t best = 0;
      for (const auto& [name, total] : totals) best = std::max(best, total);
      ASSERT_EQ(totals.at(chosen), best) << chosen;
      ++placed;
      incoming.mutable_spec()->set_node_name(chosen);
      reference.pods.push_back(incoming);
      cluster.add(api::make_object(incoming));
    }
    ASSERT_EQ(cluster.cache.check(), "");
  }
  // The clusters are neither all empty nor all full.
  EXPECT_GT(placed, 500);
  EXPECT_GT(refused, 500);
}

TEST(Decide, TiesAreBrokenUniformlyAndRepeatably) {
  std::map<std::string, int> chosen;
  std::vector<std::string> first, second;
  for (auto* history : {&first, &second}) {
    Cluster cluster;
    for (const char* name : {"a", "b", "c", "d"}) cluster.add(big_node(name));
    for (int i = 0; i < 4000; ++i) history->push_back(cluster.place(pod("p")));
  }
  EXPECT_EQ(first, second);
  for (const auto& name : first) ++chosen[name];
  ASSERT_EQ(chosen.size(), 4u);
  for (const auto& [name, times] : chosen) EXPECT_NEAR(times, 1000, 120) << name;
}

TEST(Decide, HowManyNodesAreScored) {
  using scheduler::feasible_nodes_to_find;
  EXPECT_EQ(feasible_nodes_to_find(50, 0), 50u);
  EXPECT_EQ(feasible_nodes_to_find(99, 30), 99u);
  EXPECT_EQ(feasible_nodes_to_find(100, 0), 100u);
  EXPECT_EQ(feasible_nodes_to_find(1000, 0), 420u);  // 50 - 1000/125 = 42 %
  EXPECT_EQ(feasible_nodes_to_find(5000, 0), 500u);  // 10 %
  EXPECT_EQ(feasible_nodes_to_find(6000, 0), 300u);  // not below 5 %
  EXPECT_EQ(feasible_nodes_to_find(20000, 0), 1000u);
  EXPECT_EQ(feasible_nodes_to_find(1000, 5), 100u);  // not below 100 nodes
  EXPECT_EQ(feasible_nodes_to_find(1000, 100), 1000u);
}

TEST(Decide, TheSearchGoesOnWhereItStoppedAndSeesAllNodes) {
  Cluster cluster;
  constexpr int kNodes = 1000;
  for (int i = 0; i < kNodes; ++i) {
    cluster.add(big_node("n" + std::to_string(i)).zone("z" + std::to_string(i / 500)));
  }
  cluster.cache.snapshot().reorder_if_needed();
  scheduler::Cycle cycle;
  std::set<std::string> seen;
  const auto info = cluster.cache.info(pod("p").object());
  for (int i = 0; i < 200; ++i) {
    const Decision d =
        decide(*cluster.profile, cluster.cache.snapshot(), *info, cluster.rng, cycle);
    ASSERT_EQ(d.feasible, 420u);
    ASSERT_LT(d.evaluated, kNodes);
    // Zones alternate in the table, so each part of it holds both.
    std::set<scheduler::NameId> zones;
    for (const auto node : cycle.feasible) {
      seen.insert(cluster.cache.snapshot().name_text(node));
      zones.insert(cluster.cache.snapshot().zone(node));
    }
    ASSERT_EQ(zones.size(), 2u);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kNodes));
}

TEST(Decide, AnInfeasiblePodIsComparedWithEveryNode) {
  Cluster cluster;
  for (int i = 0; i < 700; ++i) cluster.add(big_node("n" + std::to_string(i), "1"));
  scheduler::Cycle cycle;
  cycle.next_start = 333;
  const auto info = cluster.cache.info(pod("p").with(requests("cpu", "2")).object());
  const Decision d = decide(*cluster.profile, cluster.cache.snapshot(), *info, cluster.rng, cycle);
  EXPECT_EQ(d.evaluated, 700u);
  EXPECT_EQ(d.diagnosis.nodes_for("Insufficient cpu"), 700u);
}

}  // namespace
}  // namespace keelson
