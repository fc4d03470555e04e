// PodTopologySpread and InterPodAffinity, rule by rule. The reference test compares whole decisions.
#include <gtest/gtest.h>

#include <cmath>

#include "core/scheduler/framework/filter_run.hpp"
#include "core/scheduler/plugins/fixed_log.hpp"
#include "tests/scheduler/scheduler_world.hpp"
#include "tests/scheduler/wishes.hpp"

namespace keelson {
namespace {

using namespace test;

// Two nodes in zone a, one in b.
struct ThreeNodes : Cluster {
  explicit ThreeNodes(const scheduler::ProfileOptions& options =
                          scheduler::ProfileOptions::defaults())
      : Cluster(options) {
    for (const char* name : {"a1", "a2", "b1"}) {
      add(big_node(name).label(kHost, name).zone(std::string(1, name[0])));
    }
  }
};
PodBuilder web(std::string name) {
  return pod(std::move(name)).label("app", "web");
}
std::string unavailable(int nodes, const std::string& why) {
  return "0/" + std::to_string(nodes) + " nodes are available: " + why;
}
constexpr const char* kNoVictims3 =
    " preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";

TEST(PodTopologySpread, AHardConstraintKeepsTheSkew) {
  ThreeNodes cluster;
  const auto next = [&](int i) {
    return web("p" + std::to_string(i)).with(must_spread(kZone, 1, "app=web"));
  };
  std::map<char, int> zones;
  for (int i = 0; i < 8; ++i) {
    const std::string node = cluster.place(next(i));
    ++zones[node[0]];
    ASSERT_LE(std::abs(zones['a'] - zones['b']), 1);
    cluster.add(next(i).on(node));
  }
  EXPECT_EQ(zones['a'], 4);
  // Nothing may go to zone a while b cannot take more.
  cluster.add(next(100).on("a1"));
  cluster.add(big_node("b1").label(kHost, "b1").zone("b").with(cordon));
  EXPECT_EQ(cluster.place(next(9)),
            unavailable(3, "1 node(s) were unschedulable, 2 node(s) didn't match pod topology "
                           "spread constraints. preemption: 0/3 nodes are available: 1 Preemption "
                           "is not helpful for scheduling, 2 No preemption victims found for "
                           "incoming pod."));
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(PodTopologySpread, NodesWithoutTheLabelAreOut) {
  ThreeNodes cluster;
  cluster.add(big_node("bare"));
  for (int i = 0; i < 3; ++i) cluster.add(web("p" + std::to_string(i)).on("bare"));
  const auto decision = cluster.decide(web("p").with(must_spread("rack", 1, "app=web")));
  EXPECT_EQ(decision.diagnosis.nodes_for(
                "node(s) didn't match pod topology spread constraints (missing required label)"),
            4u);
  EXPECT_EQ(decision.diagnosis.unresolvable().count(), 4u);
  EXPECT_NE(cluster.place(web("p").with(must_spread(kZone, 1, "app=web"))), "bare");
}

TEST(PodTopologySpread, TooFewDomainsCountAsEmptyOnes) {
  ThreeNodes cluster;
  cluster.add(web("1").on("a1")).add(web("2").on("b1"));
  auto c = constraint(kZone, 1, "DoNotSchedule", "app=web");
  c.set_min_domains(2);
  EXPECT_EQ(cluster.place(web("p").with(spreads(c))).size(), 2u);
  c.set_min_domains(3);
  EXPECT_EQ(cluster.place(web("p").with(spreads(c))),
            unavailable(3, "3 node(s) didn't match pod topology spread constraints.") + kNoVictims3);
}

TEST(PodTopologySpread, PoliciesSayWhichNodesCount) {
  ThreeNodes cluster;
  cluster.add(big_node("c1").zone("c").with(taint("k", "v", "NoSchedule")));
  cluster.add(web("1").on("a1")).add(web("2").on("b1"));
  // Zone c is empty, and the pod cannot go there: with its taint ignored, nowhere else either.
  auto c = constraint(kZone, 1, "DoNotSchedule", "app=web");
  EXPECT_EQ(cluster.decide(web("p").with(spreads(c))).feasible, 0u);
  c.set_node_taints_policy("Honor");
  EXPECT_EQ(cluster.decide(web("p").with(spreads(c))).feasible, 3u);
  // The same with the node affinity, which is honoured unless it says otherwise.
  c = constraint(kZone, 1, "DoNotSchedule", "app=web");
  const auto in_a_and_b = requires_node(kZone, "In", {"a", "b"});
  EXPECT_EQ(cluster.decide(web("p").with(spreads(c)).with(in_a_and_b)).feasible, 3u);
  c.set_node_affinity_policy("Ignore");
  EXPECT_EQ(cluster.decide(web("p").with(spreads(c)).with(in_a_and_b)).feasible, 0u);
  // The counts follow the taints.
  c = constraint(kZone, 1, "DoNotSchedule", "app=web");
  c.set_node_taints_policy("Honor");
  cluster.add(big_node("c1").zone("c"));
  EXPECT_EQ(cluster.place(web("p").with(spreads(c))), "c1");
}

TEST(PodTopologySpread, MatchLabelKeysSetRevisionsApart) {
  ThreeNodes cluster;
  cluster.add(web("1").label("rev", "1").on("a1"));
  auto c = constraint(kZone, 1, "DoNotSchedule", "app=web");
  EXPECT_EQ(cluster.place(web("p").label("rev", "2").with(spreads(c))), "b1");
  c.add_match_label_keys("rev");
  c.add_match_label_keys("absent");
  EXPECT_EQ(cluster.decide(web("p").label("rev", "2").with(spreads(c))).feasible, 3u);
  EXPECT_EQ(cluster.place(web("p").label("rev", "1").with(spreads(c))), "b1");
}

TEST(PodTopologySpread, TerminatingPodsAndOtherNamespacesDoNotCount) {
  ThreeNodes cluster;
  cluster.add(web("1").on("a1").deleting());
  cluster.add(web("2").ns("other").on("a2"));
  EXPECT_EQ(cluster.decide(web("p").with(must_spread(kHost, 1, "app=web"))).feasible, 3u);
  cluster.add(web("3").on("a1"));
  EXPECT_EQ(cluster.decide(web("p").with(must_spread(kHost, 1, "app=web"))).feasible, 2u);
}

TEST(PodTopologySpread, AListOfDefaultsReplacesTheSystems) {
  auto options = scheduler::ProfileOptions::defaults();
  auto& args = options.args.pod_topology_spread;
  args.defaulting = scheduler::PodTopologySpreadArgs::Defaulting::list;
  args.default_constraints = {constraint(kZone, 1, "DoNotSchedule", "*")};
  ThreeNodes cluster(options);
  const api::ObjectPtr set = replica_set("web").selects("app", "web").object();
  cluster.add(set).add(web("1").on("a1"));
  EXPECT_EQ(cluster.place(web("p").owner(set)), "b1");
  // A pod that belongs to nothing, and one with constraints of its own, have no default ones.
  EXPECT_EQ(cluster.decide(web("p")).feasible, 3u);
  EXPECT_EQ(cluster.decide(web("p").owner(set).with(should_spread(kHost, 1, "app=web"))).feasible,
            3u);
}

TEST(PodTopologySpread, PreemptionMakesRoomInAFullDomain) {
  ThreeNodes cluster;
  cluster.add(web("1").on("b1").with(priority(1)));
  cluster.add(big_node("a1").label(kHost, "a1").zone("a").with(cordon));
  cluster.add(big_node("a2").label(kHost, "a2").zone("a").with(cordon));
  const auto p = web("p").with(must_spread(kZone, 1, "app=web")).with(priority(5));
  EXPECT_EQ(cluster.preempt(p), "b1: 1");
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(PodTopologySpread, LogarithmsAreExact) {
  for (const uint64_t n : {1ul, 2ul, 3ul, 5ul, 7ul, 502ul, 5002ul, 4294967295ul}) {
    const long double exact = std::log(static_cast<long double>(n)) * 4294967296.0L;
    EXPECT_EQ(scheduler::fixed_ln(n), static_cast<int64_t>(std::floor(exact))) << n;
  }
}

TEST(InterPodAffinity, RequiredAffinity) {
  ThreeNodes cluster;
  const auto near_db = must_be_near(term(kZone, "app=db"));
  EXPECT_EQ(cluster.place(web("p").with(near_db)),
            unavailable(3, "3 node(s) didn't match pod affinity rules. preemption: 0/3 nodes are "
                           "available: 3 Preemption is not helpful for scheduling."));
  cluster.add(pod("db").label("app", "db").on("a1"));
  EXPECT_EQ(cluster.decide(web("p").with(near_db)).feasible, 2u);
  EXPECT_EQ(cluster.place(web("p").with(near_db).with(must_be_near(term(kHost, "app=db")))), "a1");
  // One pod has to match all terms; two that match one each do not help.
  cluster.add(pod("cache").label("app", "cache").on("a1"));
  const auto both = web("p").with(near_db).with(must_be_near(term(kZone, "app=cache")));
  EXPECT_EQ(cluster.decide(both).feasible, 0u);
  // Pods that are being deleted count until they are gone.
  cluster.add(pod("db").label("app", "db").on("a1").deleting());
  EXPECT_EQ(cluster.decide(web("p").with(near_db)).feasible, 2u);
  cluster.cache.remove("uid-db");
  EXPECT_EQ(cluster.decide(web("p").with(near_db)).feasible, 0u);
}

TEST(InterPodAffinity, TheFirstOfAGroupMayGoAnywhere) {
  ThreeNodes cluster;
  cluster.add(big_node("bare"));
  const auto together = must_be_near(term(kZone, "app=web"));
  EXPECT_EQ(cluster.decide(web("p").with(together)).feasible, 3u);
  EXPECT_EQ(cluster.decide(pod("p").with(together)).feasible, 0u);
  // A match on a node without the label is none that could be joined.
  cluster.add(web("0").on("bare"));
  EXPECT_EQ(cluster.decide(web("p").with(together)).feasible, 3u);
  cluster.add(web("1").on("b1"));
  EXPECT_EQ(cluster.place(web("p").with(together)), "b1");
}

TEST(InterPodAffinity, AntiAffinityWorksInBothDirections) {
  ThreeNodes cluster;
  const auto apart = must_be_away(term(kHost, "app=web"));
  cluster.add(web("1").on("a1"));
  auto decision = cluster.decide(web("p").with(apart));
  EXPECT_EQ(decision.feasible, 2u);
  cluster.add(web("2").on("a2")).add(web("3").on("b1"));
  EXPECT_EQ(cluster.place(web("p").with(apart)),
            unavailable(3, "3 node(s) didn't match pod anti-affinity rules.") + kNoVictims3);
  // A pod without wishes is kept out by those of another.
  cluster.add(pod("loner").with(must_be_away(term(kZone, "app=web"))).on("a1"));
  decision = cluster.decide(web("p"));
  EXPECT_EQ(decision.feasible, 1u);
  cluster.add(pod("loner2").with(must_be_away(term(kZone, "app=web"))).on("b1"));
  EXPECT_EQ(cluster.place(web("p")),
            unavailable(3, "3 node(s) didn't satisfy existing pods anti-affinity rules.") +
                kNoVictims3);
  cluster.cache.remove("uid-loner");
  EXPECT_EQ(cluster.decide(web("p")).feasible, 2u);
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(InterPodAffinity, Namespaces) {
  ThreeNodes cluster;
  cluster.add(pod("db").ns("data").label("app", "db").on("a1"));
  auto t = term(kHost, "app=db");
  EXPECT_EQ(cluster.decide(pod("p").with(must_be_near(t))).feasible, 0u);
  t.add_namespaces("data");
  EXPECT_EQ(cluster.decide(pod("p").with(must_be_near(t))).feasible, 1u);
  t = term(kHost, "app=db");
  *t.mutable_namespace_selector() = selector("*");
  EXPECT_EQ(cluster.decide(pod("p").with(must_be_near(t))).feasible, 1u);
  *t.mutable_namespace_selector() = selector("team=x");
  EXPECT_EQ(cluster.decide(pod("p").with(must_be_near(t))).feasible, 0u);
  api::Labels labels;
  labels["team"] = "x";
  EXPECT_TRUE(cluster.cache.set_namespace("data", &labels));
  EXPECT_EQ(cluster.decide(pod("p").with(must_be_near(t))).feasible, 1u);
  EXPECT_TRUE(cluster.cache.set_namespace("data", nullptr));
  EXPECT_EQ(cluster.decide(pod("p").with(must_be_near(t))).feasible, 0u);
}

TEST(InterPodAffinity, MatchAndMismatchLabelKeys) {
  ThreeNodes cluster;
  cluster.add(web("1").label("rev", "1").on("a1"));
  auto t = term(kHost, "app=web");
  t.add_match_label_keys("rev");
  EXPECT_EQ(cluster.decide(web("p").label("rev", "1").with(must_be_away(t))).feasible, 2u);
  EXPECT_EQ(cluster.decide(web("p").label("rev", "2").with(must_be_away(t))).feasible, 3u);
  t = term(kHost, "app=web");
  t.add_mismatch_label_keys("rev");
  EXPECT_EQ(cluster.decide(web("p").label("rev", "1").with(must_be_away(t))).feasible, 3u);
  EXPECT_EQ(cluster.decide(web("p").label("rev", "2").with(must_be_away(t))).feasible, 2u);
}

TEST(InterPodAffinity, PreferencesOfBothSidesScore) {
  ThreeNodes cluster;
  cluster.add(pod("db").label("app", "db").on("b1"));
  EXPECT_EQ(cluster.place(web("p").with(should_be_near(50, term(kHost, "app=db")))), "b1");
  EXPECT_NE(cluster.place(web("p").with(should_be_near(-50, term(kZone, "app=db")))), "b1");
  // What a pod on a node requires or prefers draws those that it is about.
  cluster.add(pod("fan").with(must_be_near(term(kHost, "app=idol"))).on("a2"));
  EXPECT_EQ(cluster.place(pod("p").label("app", "idol")), "a2");
  cluster.add(pod("foe").with(should_be_near(-100, term(kHost, "app=idol"))).on("a2"));
  EXPECT_NE(cluster.place(pod("p").label("app", "idol")), "a2");
}

TEST(InterPodAffinity, ArgumentsWeighWhatExistingPodsWant) {
  auto options = scheduler::ProfileOptions::defaults();
  options.args.inter_pod_affinity.hard_pod_affinity_weight = 0;
  options.args.inter_pod_affinity.ignore_preferred_terms_of_existing_pods = true;
  Cluster cluster(options);
  cluster.add(big_node("a").label(kHost, "a")).add(big_node("b").label(kHost, "b"));
  cluster.add(pod("fan").with(must_be_near(term(kHost, "app=idol"))).on("a"));
  cluster.add(pod("fan2").with(should_be_near(100, term(kHost, "app=idol"))).on("b"));
  const scheduler::Plugin& plugin = *cluster.profile->find("InterPodAffinity");
  const auto skips = [&](const PodBuilder& builder) {
    scheduler::CycleState state;
    const auto info = cluster.cache.info(builder.object());
    const std::vector<scheduler::NodeIndex> nodes{0, 1};
    return plugin.pre_score(state, *info, cluster.cache.snapshot(), nodes).code ==
           scheduler::VerdictCode::skip;
  };
  EXPECT_TRUE(skips(pod("p").label("app", "idol")));
  EXPECT_FALSE(skips(pod("p").label("app", "idol").with(should_be_near(1, term(kHost, "x=y")))));
}

TEST(InterPodAffinity, PreemptionLiftsAntiAffinity) {
  ThreeNodes cluster;
  const auto apart = must_be_away(term(kZone, "app=web"));
  cluster.add(web("1").on("a1").with(priority(1)));
  cluster.add(web("2").on("b1").with(priority(9)));
  // The pod of zone a has to go, and nothing else helps.
  EXPECT_EQ(cluster.preempt(web("p").with(apart).with(priority(5))), "a1: 1");
  // A loner of low priority keeps out a pod without wishes: it goes.
  ThreeNodes other;
  for (const char* node : {"a1", "b1"}) {
    other.add(pod(std::string("loner-") + node).with(apart).with(priority(1)).on(node));
  }
  EXPECT_EQ(other.preempt(web("p").with(priority(5))).size(), std::string("a1: loner-a1").size());
  EXPECT_EQ(other.cache.check(), "");
}

TEST(PodTopologySpread, ANominatedPodCountsForItsOwnNodeOnly) {
  ThreeNodes cluster;
  auto& snapshot = cluster.cache.snapshot();
  const auto nominate = [&](const char* name, const char* node) {
    snapshot.nominate(cluster.cache.info(web(name).with(priority(5)).object()),
                      cluster.cache.words().id(node));
  };
  const auto p = web("p").with(must_spread(kHost, 1, "app=web"));
  nominate("x", "a1");
  nominate("y", "b1");
  EXPECT_EQ(cluster.decide(p).feasible, 1u);
  nominate("z", "a2");  // one everywhere: still, each node is seen with its own alone
  EXPECT_EQ(cluster.decide(p).feasible, 0u);
  EXPECT_EQ(cluster.cache.check(), "");
}

// A pod that is only nominated keeps others away by its anti-affinity, though no pod on a node has
// any.
TEST(InterPodAffinity, ANominatedPodsTermsCount) {
  ThreeNodes cluster;
  const auto loner = pod("loner").with(must_be_away(term(kHost, "app=web"))).with(priority(5));
  cluster.cache.snapshot().nominate(cluster.cache.info(loner.object()),
                                    cluster.cache.words().id("a1"));
  EXPECT_EQ(cluster.decide(web("p")).feasible, 2u);
  EXPECT_EQ(cluster.decide(web("p").with(priority(9))).feasible, 3u);
}

// Whatever comes and goes, nodes and namespaces too, the counts are what a recount finds; and trial
// changes leave no trace.
TEST(TopologyIndex, StaysTrueInAnyHistory) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    Rng rng(seed);
    Cluster cluster;
    const auto random_pod = [&](const std::string& name) {
      const std::string app = "app=" + std::to_string(rng.below(3));
      auto builder = pod(name).label("app", app.substr(4)).with(requests("cpu", "100m"));
      if (rng.chance(1, 3)) builder.with(must_be_away(term(rng.chance(1, 2) ? kHost : kZone, app)));
      if (rng.chance(1, 3)) builder.with(should_be_near(rng.chance(1, 2) ? 5 : -7, term(kZone, app)));
      if (rng.chance(1, 3)) builder.with(must_be_near(term(kZone, app)));
      auto c = constraint(kZone, 2, "DoNotSchedule", app);
      if (rng.chance(1, 2)) c.set_node_taints_policy("Honor");
      if (rng.chance(1, 3)) builder.with(spreads(c));
      if (rng.chance(1, 4)) builder.with(selects(kZone, "1"));
      if (rng.chance(1, 3)) builder.with(priority(static_cast<int32_t>(rng.below(3))));
      return builder;
    };
    for (int step = 0; step < 400; ++step) {
      const std::string node = "n" + std::to_string(rng.below(12));
      const std::string name = "p" + std::to_string(rng.below(40));
      switch (rng.below(9)) {
        case 0: {
          auto builder = big_node(node).label(kHost, node).zone(std::to_string(rng.below(3)));
          if (rng.chance(1, 3)) builder.with(taint("k", "v", "NoSchedule"));
          cluster.add(builder);
          break;
        }
        case 1: cluster.cache.remove_node(node); break;
        case 2:
        case 3: cluster.add(random_pod(name).on(node)); break;
        case 4: cluster.add(random_pod(name).on(node).deleting()); break;
        case 5: cluster.cache.remove("uid-" + name); break;
        case 6: cluster.cache.snapshot().reorder_if_needed(); break;
        default: cluster.decide(random_pod("new").with(priority(5))); break;
      }
      ASSERT_EQ(cluster.cache.check(), "") << "seed " << seed << " step " << step;
    }
  }
}

// --- Waking up ----------------------------------------------------------------------------------

struct WakeUps : testing::Test {
  SchedulerWorld w;
  WakeUps() {
    for (const char* name : {"a1", "b1"}) {
      w.put(big_node(name).label(kHost, name).zone(std::string(1, name[0])));
    }
    w.put(web("1").on("a1")).put(web("2").on("b1")).put(pod("other").on("a1"));
  }
  void pending(const PodBuilder& p) {
    w.put(p).start();
    w.loop.run_for(15s);  // past its back-off
    ASSERT_EQ(w.scheduler.stats().attempts, 1u);
  }
  void gone(const char* name) {
    w.api.erase({api::Kind::pods, "default", name});
    w.loop.run_for(1s);
  }
  uint64_t attempts() const { return w.scheduler.stats().attempts; }
};

TEST_F(WakeUps, ByThePodThatWasInTheWay) {
  pending(web("p").with(must_be_away(term(kHost, "app=web"))));
  gone("other");
  EXPECT_EQ(attempts(), 1u) << "that one was not in the way";
  gone("2");
  EXPECT_EQ(w.api.node_of("p"), "b1");
}

TEST_F(WakeUps, ByThePodThatIsWanted) {
  pending(web("p").with(must_be_near(term(kZone, "app=db"))));
  w.put(pod("db").label("app", "db").on("b1"));
  w.loop.run_for(1s);
  EXPECT_EQ(w.api.node_of("p"), "b1");
}

TEST_F(WakeUps, ByAPodInTheEmptiestDomain) {
  w.put(web("3").on("a1")).put(big_node("b1").label(kHost, "b1").zone("b").with(cordon));
  pending(web("p").with(must_spread(kZone, 1, "app=web")));
  w.put(pod("more").on("a1"));
  w.loop.run_for(1s);
  EXPECT_EQ(attempts(), 1u) << "a pod in the fullest domain changes nothing";
  w.put(web("4").on("b1"));
  w.loop.run_for(1s);
  EXPECT_EQ(w.api.node_of("p"), "a1");
}

TEST_F(WakeUps, ByANamespacesLabels) {
  w.put(name_space("default"));
  auto t = term(kHost, "app=web");
  *t.mutable_namespace_selector() = selector("team=x");
  pending(pod("p").with(must_be_near(t)));
  w.put(name_space("default").label("team", "x"));
  w.loop.run_for(1s);
  EXPECT_EQ(w.api.node_of("p").size(), 2u);
}

}  // namespace
}  // namespace keelson
