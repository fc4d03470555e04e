// Explanations: every node's verdicts and scores, and that they say what the decision says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler/framework/explain.hpp"
#include "tests/scheduler/cluster.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::Explanation;
using scheduler::NodeExplanation;

struct Explain : testing::Test {
  scheduler::Cache cache;
  scheduler::ProfilePtr profile =
      scheduler::Profile::make(scheduler::ProfileOptions::defaults(), scheduler::default_plugins())
          .value();

  void add(const NodeBuilder& node) { cache.set_node(node.object()); }
  void add(const PodBuilder& pod) { cache.see(pod.object()); }
  Explanation of(const PodBuilder& pod) {
    return scheduler::explain(*profile, cache.snapshot(), *cache.info(pod.object()));
  }
  static const NodeExplanation& node(const Explanation& all, const std::string& name) {
    for (const NodeExplanation& one : all.nodes) {
      if (one.node == name) return one;
    }
    ADD_FAILURE() << "no node " << name;
    return all.nodes.front();
  }
};

TEST_F(Explain, EveryReasonOfANodeIsNamedNotOnlyTheFirst) {
  add(big_node("fits", "4"));
  add(big_node("bad", "1").with(taint("dedicated", "gpu", "NoSchedule")));
  const Explanation all = of(pod("p").with(requests("cpu", "2")));
  EXPECT_EQ(all.chosen, "fits");
  EXPECT_EQ(all.message, "");
  EXPECT_TRUE(all.hopes.empty());
  ASSERT_EQ(all.nodes.size(), 2u);
  EXPECT_TRUE(all.nodes[0].feasible());
  EXPECT_EQ(all.nodes[0].node, "fits");
  const auto& rejections = node(all, "bad").rejections;
  ASSERT_EQ(rejections.size(), 2u);
  EXPECT_EQ(rejections[0].plugin, "TaintToleration");
  EXPECT_EQ(rejections[0].reason, "node(s) had untolerated taint {dedicated: gpu}");
  EXPECT_FALSE(rejections[0].preemptible);
  EXPECT_EQ(rejections[1].plugin, "NodeResourcesFit");
  EXPECT_EQ(rejections[1].reason, "Insufficient cpu");
}

TEST_F(Explain, ScoresAddUpToTheDecisions) {
  for (int i = 0; i < 5; ++i) add(big_node("n" + std::to_string(i), std::to_string(4 + 4 * i)));
  add(pod("heavy").on("n4").with(requests("cpu", "19")));
  add(big_node("liked", "2").with([](api::Node& n) {
    (*n.mutable_metadata()->mutable_labels())["disk"] = "ssd";
  }));
  const Explanation all =
      of(pod("p").with(requests("cpu", "1")).with(prefers_node(5, "disk", "ssd")));
  ASSERT_EQ(all.decision.kind, scheduler::Decision::Kind::node);
  EXPECT_EQ(all.nodes[0].node, all.chosen);
  EXPECT_EQ(all.nodes[0].total, all.decision.score);
  for (const NodeExplanation& one : all.nodes) {
    int64_t sum = 0;
    for (const auto& score : one.scores) sum += int64_t{score.score} * score.weight;
    EXPECT_EQ(sum, one.total);
    EXPECT_LE(one.total, all.decision.score);
  }
  EXPECT_GT(all.nodes[0].scores.size(), 2u);
}

TEST_F(Explain, APendingPodLearnsWhatCouldHelp) {
  add(big_node("full", "2"));
  add(pod("on-it").on("full").with(requests("cpu", "2")));
  const Explanation all = of(pod("p").with(requests("cpu", "1")));
  EXPECT_EQ(all.chosen, "");
  EXPECT_EQ(all.message.substr(0, 41), "0/1 nodes are available: 1 Insufficient c");
  EXPECT_TRUE(node(all, "full").rejections.at(0).preemptible);
  ASSERT_EQ(all.hopes.size(), 1u);
  EXPECT_EQ(all.hopes[0].plugin, "NodeResourcesFit");
  EXPECT_THAT(all.hopes[0].events, testing::Contains("a pod leaves its node"));
  EXPECT_THAT(all.hopes[0].events, testing::Contains("a node is added"));
}

TEST_F(Explain, PreemptionNamesItsVictims) {
  add(big_node("full", "2"));
  add(pod("low").on("full").with(requests("cpu", "2")));
  const Explanation all = of(pod("p").with(requests("cpu", "1")).with(priority(10)));
  EXPECT_EQ(all.decision.kind, scheduler::Decision::Kind::preempt);
  EXPECT_EQ(all.chosen, "full");
  ASSERT_EQ(all.decision.victims.size(), 1u);
  EXPECT_EQ(all.decision.victims[0]->name(), "low");
}

TEST_F(Explain, AGatedPodIsNotQueuedWhereverItFits) {
  add(big_node("fits", "4"));
  const Explanation all = of(pod("p").with([](api::Pod& p) {
    p.mutable_spec()->add_scheduling_gates()->set_name("example.com/wait");
  }));
  EXPECT_EQ(all.chosen, "");
  ASSERT_EQ(all.pod.size(), 1u);
  EXPECT_EQ(all.pod[0].plugin, "SchedulingGates");
  EXPECT_EQ(all.message, all.pod[0].reason);
}

TEST_F(Explain, NothingIsLeftBehindInTheSnapshot) {
  for (int i = 0; i < 3; ++i) {
    add(big_node("n" + std::to_string(i), "2"));
    add(pod("low" + std::to_string(i)).on("n" + std::to_string(i)).with(requests("cpu", "2")));
  }
  const auto first = of(pod("p").with(requests("cpu", "1")).with(priority(10)));
  EXPECT_EQ(cache.check(), "");
  const auto again = of(pod("p").with(requests("cpu", "1")).with(priority(10)));
  EXPECT_EQ(first.chosen, again.chosen);
}

}  // namespace
}  // namespace keelson
