// The decision against the reference on random clusters: the same refusals of every node, the same
// score from every plugin, the same choice. And that this would be noticed if it were not so: for
// each mistake that the reference can make, the clusters have a case that shows it.
#include <gtest/gtest.h>

#include "core/scheduler/framework/explain.hpp"
#include "tests/scheduler/reference.hpp"
#include "tests/scheduler/wishes.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::Decision;

template <class T>
const T& pick(Rng& rng, const std::vector<T>& list) {
  return list[rng.below(list.size())];
}

// A cluster that is made, and filled, from a seed.
class RandomCluster {
 public:
  explicit RandomCluster(uint64_t seed) : rng_(seed) {
    const auto node_count = 1 + rng_.below(10);
    for (uint64_t i = 0; i < node_count; ++i) {
      reference.nodes.push_back(node(i));
      cluster.add(api::make_object(reference.nodes.back()));
    }
    reference.replica_sets.push_back(replica_set("web").selects("app", "web").message());
    set_ = api::make_object(reference.replica_sets.back());
    cluster.add(set_);
    if (rng_.chance(1, 2)) {
      api::Service service;
      service.mutable_metadata()->set_name("tier");
      service.mutable_metadata()->set_namespace_("default");
      (*service.mutable_spec()->mutable_selector())["tier"] = "front";
      reference.services.push_back(service);
      cluster.add(api::make_object(service));
    }
    for (const char* ns : {"default", "other"}) {
      if (rng_.chance(1, 4)) continue;  // not known, or not yet
      reference.namespaces[ns]["team"] = ns;
      cluster.cache.set_namespace(ns, &reference.namespaces[ns]);
    }
  }

  api::Pod next_pod() {
    const std::string name = "p" + std::to_string(pods_++);
    PodBuilder builder = pod(name);
    if (rng_.chance(1, 6)) builder.ns("other");
    if (rng_.chance(2, 3)) builder.label("app", pick<std::string>(rng_, {"web", "db"}));
    if (rng_.chance(1, 3)) builder.label("tier", pick<std::string>(rng_, {"front", "back"}));
    if (rng_.chance(1, 2)) builder.label("rev", pick<std::string>(rng_, {"1", "2"}));
    if (rng_.chance(1, 3)) builder.owner(set_);
    containers(builder);
    nodes(builder);
    if (rng_.chance(1, 3)) spread(builder);
    if (rng_.chance(1, 3)) affinity(builder);
    return builder.message();
  }
  // It is on its node from now on; some leave right away.
  void place(api::Pod pod, const std::string& node) {
    pod.mutable_spec()->set_node_name(node);
    if (rng_.chance(1, 8)) pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    reference.pods.push_back(pod);
    cluster.add(api::make_object(pod));
  }
  void remove_one() {
    if (reference.pods.empty()) return;
    const auto at = reference.pods.begin() +
                    static_cast<std::ptrdiff_t>(rng_.below(reference.pods.size()));
    cluster.cache.remove(at->metadata().uid());
    reference.pods.erase(at);
  }

  Cluster cluster;
  ReferenceCluster reference;

 private:
  api::Node node(uint64_t number) {
    const std::string name = "n" + std::to_string(number);
    auto builder = test::node(name);
    builder.allocatable("cpu", pick<std::string>(rng_, {"2", "4", "3500m"}))
        .allocatable("memory", pick<std::string>(rng_, {"4Gi", "8Gi", "5G"}))
        .allocatable("pods", pick<std::string>(rng_, {"3", "5", "110"}));
    if (rng_.chance(7, 8)) builder.label(kHost, rng_.chance(1, 8) ? "shared" : name);
    if (rng_.chance(3, 4)) builder.zone(pick<std::string>(rng_, {"a", "b", "c"}));
    if (rng_.chance(1, 2)) builder.label("disk", pick<std::string>(rng_, {"ssd", "hdd"}));
    if (rng_.chance(1, 2)) builder.label("gen", pick<std::string>(rng_, {"1", "2", "3", "x"}));
    for (int i = 0; i < 2; ++i) {
      if (!rng_.chance(1, 5)) continue;
      builder.with(taint(pick<std::string>(rng_, {"k", "l"}), pick<std::string>(rng_, {"v", "w"}),
                         pick<std::string>(rng_, {"NoSchedule", "PreferNoSchedule", "NoExecute",
                                                  "PreferNoSchedule"})));
    }
    if (rng_.chance(1, 8)) builder.with(cordon);
    if (rng_.chance(1, 4)) builder.allocatable("nvidia.com/gpu", "2");
    if (rng_.chance(1, 2)) builder.with(image("web:1", 700 << 20));
    if (rng_.chance(1, 3)) builder.with(image("db:latest", 900 << 20));
    return builder.message();
  }
  void requests_of(api::Container& c) {
    auto& wanted = *c.mutable_resources()->mutable_requests();
    if (rng_.chance(3, 4)) {
      wanted["cpu"].set_string(pick<std::string>(rng_, {"100m", "500m", "1", "333m"}));
    }
    if (rng_.chance(3, 4)) {
      wanted["memory"].set_string(pick<std::string>(rng_, {"128Mi", "1Gi", "333M", "450M"}));
    }
  }
  void containers(PodBuilder& builder) {
    builder.image(pick<std::string>(rng_, {"web:1", "db", "other:1"}));
    builder.with([&](api::Pod& p) {
      requests_of(container_of(p));
      if (rng_.chance(1, 4)) {
        auto* init = p.mutable_spec()->add_init_containers();
        init->set_name("init");
        init->set_image(pick<std::string>(rng_, {"web:1", "db"}));
        requests_of(*init);
        if (rng_.chance(1, 2)) init->set_restart_policy("Always");
      }
      if (rng_.chance(1, 8)) (*p.mutable_spec()->mutable_overhead())["cpu"].set_string("250m");
    });
    if (rng_.chance(1, 8)) builder.with(requests("nvidia.com/gpu", "1"));
    if (rng_.chance(1, 6)) {
      builder.with(host_port(static_cast<int32_t>(8000 + rng_.below(2)),
                             pick<std::string>(rng_, {"TCP", "UDP"}),
                             pick<std::string>(rng_, {"", "0.0.0.0", "10.0.0.1", "10.0.0.2"})));
    }
  }
  void nodes(PodBuilder& builder) {
    if (rng_.chance(1, 3)) {
      builder.with(tolerates(pick<std::string>(rng_, {"k", "l", ""}), "Exists", "",
                             pick<std::string>(rng_, {"", "NoSchedule", "PreferNoSchedule"})));
    }
    if (rng_.chance(1, 6)) builder.with(tolerates("k", "Equal", "v", "NoExecute"));
    if (rng_.chance(1, 6)) builder.with(selects("disk", "ssd"));
    if (rng_.chance(1, 5)) {
      builder.with(requires_node("disk", pick<std::string>(rng_, {"NotIn", "In"}), {"hdd"}));
      if (rng_.chance(1, 2)) builder.with(requires_node(kZone, "Exists", {}));
    } else if (rng_.chance(1, 12)) {
      builder.with(requires_node("gen", pick<std::string>(rng_, {"Gt", "Lt"}), {"2"}));
    }
    if (rng_.chance(1, 3)) builder.with(prefers_node(20, "disk", "ssd"));
    if (rng_.chance(1, 3)) builder.with(prefers_node(30, kZone, "b"));
    if (rng_.chance(1, 12)) {
      builder.with([](api::Pod& p) {
        p.mutable_spec()
            ->mutable_affinity()
            ->mutable_node_affinity()
            ->add_preferred_during_scheduling_ignored_during_execution()
            ->set_weight(7);
      });
    }
  }
  std::string key() { return pick<std::string>(rng_, {kHost, kZone, kZone, "disk"}); }
  std::string pods() {
    return pick<std::string>(rng_, {"app=web", "app=db", "tier=front", "app=web,tier=front", "*"});
  }
  void spread(PodBuilder& builder) {
    std::set<std::string> used;
    for (uint64_t i = 1 + rng_.below(2); i > 0; --i) {
      const bool hard = rng_.chance(1, 2);
      auto c = constraint(key(), static_cast<int32_t>(1 + rng_.below(3)),
                          hard ? "DoNotSchedule" : "ScheduleAnyway", pods());
      if (!used.insert(c.topology_key() + c.when_unsatisfiable()).second) continue;
      if (hard && rng_.chance(1, 3)) c.set_min_domains(static_cast<int32_t>(1 + rng_.below(4)));
      if (rng_.chance(1, 4)) c.set_node_affinity_policy("Ignore");
      if (rng_.chance(1, 4)) c.set_node_taints_policy("Honor");
      if (rng_.chance(1, 3)) c.add_match_label_keys("rev");
      builder.with(spreads(c));
    }
  }
  api::PodAffinityTerm random_term() {
    auto t = term(key(), pods());
    if (rng_.chance(1, 4)) t.add_namespaces("other");
    if (rng_.chance(1, 6)) {
      *t.mutable_namespace_selector() = selector(pick<std::string>(rng_, {"*", "team=other"}));
    }
    if (rng_.chance(1, 5)) t.add_match_label_keys("rev");
    else if (rng_.chance(1, 5)) t.add_mismatch_label_keys("rev");
    return t;
  }
  void affinity(PodBuilder& builder) {
    if (rng_.chance(1, 3)) builder.with(must_be_near(random_term()));
    if (rng_.chance(1, 6)) builder.with(must_be_near(random_term()));
    if (rng_.chance(1, 4)) builder.with(must_be_away(random_term()));
    if (rng_.chance(1, 8)) builder.with(must_be_away(random_term()));
    for (int i = 0; i < 2; ++i) {
      if (rng_.chance(1, 3)) {
        builder.with(should_be_near(pick<int32_t>(rng_, {29, -29, 100}), random_term()));
      }
    }
  }

  Rng rng_;
  api::ObjectPtr set_;
  int pods_ = 0;
};

// Plugins may leave out a score that is the same for all.
bool constant(const Reference::ByNode& scores) {
  return std::all_of(scores.begin(), scores.end(),
                     [&](const auto& s) { return s.second == scores.begin()->second; });
}

// How the scheduler's answer differs from the reference's; empty if it does not.
std::string difference(const scheduler::Explanation& real, const Reference& reference,
                       const ReferenceCluster& c) {
  std::map<std::string, const api::Node*> nodes;
  for (const auto& node : c.nodes) nodes[node.metadata().name()] = &node;
  std::map<std::string, Reference::ByNode> scores;
  std::vector<const api::Node*> feasible;
  for (const auto& of : real.nodes) {
    std::vector<Reference::Refusal> refusals;
    for (const auto& r : of.rejections) refusals.emplace_back(r.plugin, r.reason, r.preemptible);
    auto expected = reference.refusals(*nodes.at(of.node));
    std::sort(refusals.begin(), refusals.end());
    std::sort(expected.begin(), expected.end());
    if (refusals != expected) {
      std::string text = of.node + " is refused for:";
      for (const auto& [plugin, why, p] : refusals) text += ' ' + plugin + ": " + why + (p ? "+" : "");
      text += "; expected:";
      for (const auto& [plugin, why, p] : expected) text += ' ' + plugin + ": " + why + (p ? "+" : "");
      return text;
    }
    if (!of.feasible()) continue;
    feasible.push_back(nodes.at(of.node));
    for (const auto& s : of.scores) {
      scores[s.plugin][of.node] = s.score;
      if (s.weight != Reference::weight(s.plugin)) return s.plugin + " has the wrong weight";
    }
  }
  if (feasible.empty()) return {};
  auto expected = reference.scores(feasible);
  for (auto* some : {&scores, &expected}) {
    auto& others = some == &scores ? expected : scores;
    for (const auto& [plugin, by_node] : *some) {
      if (others.contains(plugin) || constant(by_node)) continue;
      return plugin + " scores in one only";
    }
  }
  for (const auto& [plugin, by_node] : scores) {
    if (!expected.contains(plugin) || expected[plugin] == by_node) continue;
    std::string text = plugin + " scores:";
    for (const auto& [node, score] : by_node) {
      text += ' ' + node + '=' + std::to_string(score) + '/' +
              std::to_string(expected[plugin][node]);
    }
    return text;
  }
  return {};
}

// The nodes of the highest total, in the reference's own words.
std::set<std::string> best_nodes(const Reference& reference) {
  const auto feasible = reference.feasible();
  std::map<std::string, int64_t> totals;
  for (const auto* node : feasible) totals[node->metadata().name()] = 0;
  for (const auto& [plugin, by_node] : reference.scores(feasible)) {
    for (const auto& [node, score] : by_node) totals[node] += Reference::weight(plugin) * score;
  }
  int64_t most = INT64_MIN;
  for (const auto& [node, total] : totals) most = std::max(most, total);
  std::erase_if(totals, [&](const auto& t) { return t.second < most; });
  std::set<std::string> best;
  for (const auto& [node, total] : totals) best.insert(node);
  return best;
}

constexpr uint64_t kClusters = 120;
constexpr int kPods = 40;

TEST(Reference, AgreesInEverything) {
  int placed = 0, refused = 0, ties = 0;
  for (uint64_t seed = 1; seed <= kClusters; ++seed) {
    RandomCluster world(seed);
    auto& snapshot = world.cluster.cache.snapshot();
    for (int i = 0; i < kPods; ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", pod " + std::to_string(i));
      const api::Pod incoming = world.next_pod();
      const auto info = world.cluster.cache.info(api::make_object(incoming));
      const Reference reference(world.reference, incoming);
      const auto real = explain(*world.cluster.profile, snapshot, *info);
      ASSERT_EQ(difference(real, reference, world.reference), "");

      // Among equals the lowest rank wins; without ranks any of them may.
      const std::set<std::string> best = best_nodes(reference);
      ASSERT_EQ(real.decision.feasible, reference.feasible().size());
      ASSERT_EQ(real.decision.evaluated, real.pod.empty() ? world.reference.nodes.size() : 0);
      scheduler::Cycle cycle;
      cycle.percentage_of_nodes_to_score = 100;
      for (scheduler::NodeIndex n = 0; n < snapshot.slots(); ++n) {
        cycle.rank.push_back((n * 7 + static_cast<uint32_t>(i)) % 11);
      }
      const Decision ranked =
          decide(*world.cluster.profile, snapshot, *info, world.cluster.rng, cycle);
      if (best.empty()) {
        ASSERT_NE(ranked.kind, Decision::Kind::node);
        ++refused;
      } else {
        ASSERT_EQ(ranked.kind, Decision::Kind::node);
        ASSERT_TRUE(best.contains(real.chosen)) << real.chosen;
        std::string expected;
        uint32_t lowest = UINT32_MAX;
        for (const auto& name : best) {
          const auto row = snapshot.find(snapshot.words().find(name));
          if (cycle.rank[row] >= lowest) continue;
          lowest = cycle.rank[row];
          expected = name;
        }
        ASSERT_EQ(world.cluster.node_of(ranked), expected);
        ties += best.size() > 1;
        ++placed;
        world.place(incoming, real.chosen);
      }
      if (i % 5 == 4) world.remove_one();
    }
    ASSERT_EQ(world.cluster.cache.check(), "");
  }
  // The clusters are neither all empty nor all full.
  EXPECT_GT(placed, 500);
  EXPECT_GT(refused, 500);
  EXPECT_GT(ties, 40);
}

// Where the exact quotient is a whole number, doubles may fall short of it, and kube-scheduler rounds
// down.
TEST(Reference, RoundsAsDoublesDo) {
  Cluster cluster;
  const auto sized = [](const char* name) {
    return big_node(name, "10", "100M").label(kHost, name);
  };
  cluster.add(sized("a")).add(sized("b")).add(sized("c"));
  cluster.add(pod("x").label("app", "x").on("a")).add(pod("y").label("app", "y").on("b"));
  const auto score = [&](const PodBuilder& builder, const std::string& plugin) {
    const auto info = cluster.cache.info(builder.object());
    const auto real = explain(*cluster.profile, cluster.cache.snapshot(), *info);
    for (const auto& of : real.nodes) {
      for (const auto& s : of.scores) {
        if (of.node == "a" && s.plugin == plugin) return s.score;
      }
    }
    return -1;
  };
  const auto draws = pod("p").with(should_be_near(29, term(kHost, "app=x")))
                         .with(should_be_near(100, term(kHost, "app=y")));
  EXPECT_EQ(score(draws, "InterPodAffinity"), 28);  // of 29 in 100
  const auto uneven = pod("p").with(requests("cpu", "10")).with(requests("memory", "82M"));
  EXPECT_EQ(score(uneven, "NodeResourcesBalancedAllocation"), 90);  // 1 - 0.18 / 2
}

class Slips : public testing::TestWithParam<std::pair<Slip, const char*>> {};
INSTANTIATE_TEST_SUITE_P(Each, Slips, testing::ValuesIn(slips().begin() + 1, slips().end()),
                         [](const auto& info) { return info.param.second; });

// Were the scheduler right and the reference wrong, or the other way round, it would be seen.
TEST_P(Slips, WouldBeNoticed) {
  for (uint64_t seed = 1; seed <= kClusters; ++seed) {
    RandomCluster world(seed);
    for (int i = 0; i < kPods; ++i) {
      const api::Pod incoming = world.next_pod();
      const auto info = world.cluster.cache.info(api::make_object(incoming));
      const auto real =
          explain(*world.cluster.profile, world.cluster.cache.snapshot(), *info);
      const Reference wrong(world.reference, incoming, GetParam().first);
      if (!difference(real, wrong, world.reference).empty()) return;
      if (!real.chosen.empty()) world.place(incoming, real.chosen);
      if (i % 5 == 4) world.remove_one();
    }
  }
  FAIL() << "no cluster shows this mistake";
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
