// The checks of node health and of evictions by taint: each fires on a broken history and not on a
// right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

constexpr const char* kUnreachable = "node.kubernetes.io/unreachable";
constexpr const char* kOutOfService = "node.kubernetes.io/out-of-service";

WorldOptions one_node() {
  WorldOptions options;
  options.pools.push_back({});
  options.pools[0].prefix = "n";
  options.pools[0].count = 1;
  options.pools[0].capacity = {{"cpu", "4"}, {"memory", "8Gi"}};
  return options;
}

NodeBuilder tainted(const std::string& name, const std::string& status, const char* key,
                    int64_t since = 0) {
  return node(name).ready(status).with([&](auto& m) {
    auto* taint = m.mutable_spec()->add_taints();
    taint->set_key(key);
    taint->set_effect("NoExecute");
    taint->mutable_time_added()->set_seconds(since);
  });
}

// The machine "n1" has power and is reachable; "n2" exists in the API only.
struct Nodes : testing::Test {
  History h{add_node_checks, one_node()};

  void SetUp() override {
    h.world().start();
    h.put(node("n1").ready()).put(node("n2").ready());
    h.beat("n1", 1);
  }
  PodBuilder own(const std::string& name, int64_t tolerates_for = -1) const {
    return pod(name).on("n1").ready().with([&](auto& m) {
      if (tolerates_for < 0) return;
      auto* toleration = m.mutable_spec()->add_tolerations();
      toleration->set_key(kUnreachable);
      toleration->set_operator_("Exists");
      toleration->set_toleration_seconds(tolerates_for);
    });
  }
  void mark_unknown() { h.put(node("n1").ready("Unknown"), kNodeHealth); }
};

TEST_F(Nodes, ALongSilenceMakesANodeUnknown) {
  h.pass(40s);
  mark_unknown();
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("NL-1"), 1u);
  EXPECT_EQ(h.evaluations("NL-2"), 1u);
}

TEST_F(Nodes, AShortOneDoesNot) {
  h.pass(25s);
  mark_unknown();
  EXPECT_EQ(h.broken(), "NL-1");
}

TEST_F(Nodes, ASignOfLifeMomentsAgoForbidsIt) {
  h.pass(15s);
  h.beat("n1", 2);
  h.pass(1s);
  mark_unknown();
  EXPECT_EQ(h.broken(), "NL-2");
}

TEST_F(Nodes, ACopyOfAHeartbeatIsNoSignOfLife) {
  h.pass(39s);
  h.beat("n1", 1);
  mark_unknown();
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Nodes, AfterASilenceThatEndedJustNowADecisionMayStillArrive) {
  h.pass(40s);
  h.beat("n1", 2);
  h.pass(5s);
  mark_unknown();
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Nodes, DeclaringDeadWhatOthersReachBreaksNl1) {
  h.pass(8s);
  h.put(tainted("n1", "Unknown", kOutOfService), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-2 NL-1");
}

TEST_F(Nodes, DeclaringDeadWhatHasNoPowerIsRight) {
  h.world().node("n1")->power_off();
  h.power_off("n1");
  h.pass(8s);
  h.put(tainted("n1", "Unknown", kOutOfService), kNodeHealth);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Nodes, TaintingWhenNobodyIsReadyBreaksNl5) {
  h.pass(40s);
  h.put(node("n2").ready("Unknown"), kUser);
  mark_unknown();
  h.put(tainted("n1", "Unknown", kUnreachable), kNodeHealth);
  EXPECT_EQ(h.broken(), "") << "it may not have noticed yet";
  h.pass(21s);
  h.put(tainted("n2", "Unknown", kUnreachable), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-5");
}

TEST_F(Nodes, EvictingWhenNobodyIsReadyBreaksNl5) {
  h.put(own("a"));
  h.pass(40s);
  h.put(node("n2").ready("Unknown"), kUser);
  h.put(tainted("n1", "Unknown", kUnreachable), kNodeHealth);
  h.pass(21s);
  h.put(own("a").deleting(), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-5");
}

TEST_F(Nodes, EvictingForNoTaintBreaksNl4) {
  h.put(own("a"));
  h.put(own("a").deleting(), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-4");
}

TEST_F(Nodes, EvictingBeforeATolerationIsOverBreaksNl4) {
  h.put(own("a", 300)).put(own("b", 300));
  h.pass(40s);
  h.put(tainted("n1", "Unknown", kUnreachable), kNodeHealth);
  h.pass(200s);
  h.put(own("a", 300).deleting(), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-4");
  h.pass(100s);
  h.put(own("b", 300).deleting(), kNodeHealth);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Nodes, ATaintThatWasTakenBackStartsAnew) {
  h.put(own("a", 300));
  h.pass(40s);
  h.put(tainted("n1", "Unknown", kUnreachable, 1), kNodeHealth);
  h.pass(200s);
  h.put(node("n1").ready(), kNodeHealth);
  h.pass(40s);
  h.put(tainted("n1", "Unknown", kUnreachable, 2), kNodeHealth);
  h.broken();
  h.pass(150s);
  h.put(own("a", 300).deleting(), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-4");
}

TEST_F(Nodes, AnEvictedPodsSuccessorHasATimeOfItsOwn) {
  h.put(own("a", 300).uid("1"));
  h.pass(40s);
  h.put(tainted("n1", "Unknown", kUnreachable), kNodeHealth);
  h.pass(290s);
  h.remove(own("a", 300).uid("1")).put(own("a", 300).uid("2"));
  h.pass(20s);
  h.put(own("a", 300).uid("2").deleting(), kNodeHealth);
  EXPECT_EQ(h.broken(), "NL-4");
}

TEST_F(Nodes, ADeadNodeIsPendingUntilItIsTreatedAsOne) {
  h.remove(node("n2"));
  EXPECT_EQ(h.pending(), "");
  h.put(node("n3").ready());
  h.world().node("n1")->power_off();
  EXPECT_EQ(h.pending(),
            "NL-3: is dead, but called Ready, NL-3: is dead, but not tainted for eviction");
  h.put(tainted("n1", "Unknown", kUnreachable).with([](auto& m) {
    m.mutable_metadata()->set_uid("uid-n1");
  }));
  h.put(own("a")).put(own("b", 300).not_ready());
  EXPECT_EQ(h.pending(), "NL-7: is called Ready on node n1, which is not ready, "
                         "NL-3: has to leave node n1, which has the taint "
                         "node.kubernetes.io/unreachable, "
                         "NL-3: has to leave node n1, which has the taint "
                         "node.kubernetes.io/unreachable");
}

TEST_F(Nodes, ALivingNodeIsPendingUntilItIsCalledReady) {
  mark_unknown();
  EXPECT_EQ(h.pending(), "NL-3: is alive, but not called Ready");
  h.put(tainted("n1", "True", kUnreachable));
  EXPECT_EQ(h.pending(), "NL-3: is alive and Ready, but still tainted");
  h.remove(node("n1"));
  EXPECT_EQ(h.pending(), "NL-3: is alive, but not registered");
}

TEST_F(Nodes, PodsOfANodeThatIsGoneArePending) {
  h.put(pod("a").on("n2"));
  h.remove(node("n2"));
  EXPECT_EQ(h.pending(), "NL-7: is on node n2, which is gone");
  h.put(node("n2").uid("another").ready());
  EXPECT_EQ(h.pending(), "NL-7: was on an earlier node of the name n2");
  h.remove(pod("a").on("n2"));
  EXPECT_EQ(h.pending(), "");
}

}  // namespace
}  // namespace keelson::sim::test
