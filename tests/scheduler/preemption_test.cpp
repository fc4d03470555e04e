#include <gtest/gtest.h>

#include "tests/scheduler/cluster.hpp"

namespace keelson {
namespace {

using namespace test;

PodBuilder on(const char* name, const char* node, int32_t p, const char* cpu, int64_t start = 100) {
  return pod(name).on(node).with(priority(p)).with(requests("cpu", cpu)).with(started(start));
}
PodBuilder wants(int32_t p, const char* cpu) {
  return pod("incoming").with(priority(p)).with(requests("cpu", cpu));
}

TEST(Preemption, TakesOnlyWhatIsNeededAndOfLowerPriority) {
  Cluster cluster;
  cluster.add(big_node("n", "4"));
  cluster.add(on("low", "n", 1, "1")).add(on("mid", "n", 5, "1")).add(on("high", "n", 10, "2"));
  EXPECT_EQ(cluster.preempt(wants(10, "1")), "n: low");
  EXPECT_EQ(cluster.preempt(wants(10, "2")), "n: mid low");
  EXPECT_EQ(cluster.preempt(wants(10, "3")), "no preemption");
  EXPECT_EQ(cluster.preempt(wants(1, "1")), "no preemption");
  EXPECT_EQ(cluster.cache.check(), "");  // the trial is undone
}

TEST(Preemption, ALargerVictimMayLetTheOthersStay) {
  Cluster cluster;
  cluster.add(big_node("n", "3"));
  cluster.add(on("small", "n", 2, "1")).add(on("large", "n", 1, "2"));
  EXPECT_EQ(cluster.preempt(wants(9, "2")), "n: large");
}

TEST(Preemption, PrefersTheLowestHighestVictimThenTheSmallestSum) {
  Cluster cluster;
  cluster.add(big_node("a", "2")).add(big_node("b", "2")).add(big_node("c", "2"));
  cluster.add(on("a1", "a", 5, "2"));
  cluster.add(on("b1", "b", 4, "1")).add(on("b2", "b", 4, "1"));
  cluster.add(on("c1", "c", 4, "1")).add(on("c2", "c", 3, "1"));
  EXPECT_EQ(cluster.preempt(wants(9, "2")), "c: c1 c2");
}

TEST(Preemption, PrefersTheVictimsThatStartedLast) {
  Cluster cluster;
  cluster.add(big_node("a", "1")).add(big_node("b", "1")).add(big_node("c", "1"));
  cluster.add(on("old", "a", 1, "1", 10));
  cluster.add(on("young", "b", 1, "1", 30));
  cluster.add(on("middle", "c", 1, "1", 20));
  EXPECT_EQ(cluster.preempt(wants(9, "1")), "b: young");
}

TEST(Preemption, FewestBudgetViolationsComeFirst) {
  Cluster cluster;
  cluster.add(big_node("a", "1")).add(big_node("b", "1"));
  cluster.add(on("guarded", "a", 1, "1").label("app", "db"));
  cluster.add(on("free", "b", 5, "1"));
  cluster.add(budget("db").selects("app", "db").object());  // allows no disruption
  EXPECT_EQ(cluster.preempt(wants(9, "1")), "b: free");
  // Best effort: if there is nothing else, the budget is violated.
  Cluster only;
  only.add(big_node("a", "1")).add(on("guarded", "a", 1, "1").label("app", "db"));
  only.add(budget("db").selects("app", "db").object());
  EXPECT_EQ(only.preempt(wants(9, "1")), "a: guarded");
}

TEST(Preemption, WithinANodeGuardedPodsAreGivenBackFirst) {
  Cluster cluster;
  cluster.add(big_node("n", "2"));
  cluster.add(on("guarded", "n", 1, "1").label("app", "db")).add(on("free", "n", 5, "1"));
  cluster.add(budget("db").selects("app", "db").object());
  EXPECT_EQ(cluster.preempt(wants(9, "1")), "n: free");
}

TEST(Preemption, DoesNotTryNodesWhereItCannotHelp) {
  Cluster cluster;
  cluster.add(big_node("tainted", "1").with(taint("k", "", "NoSchedule")));
  cluster.add(on("low", "tainted", 1, "1"));
  EXPECT_EQ(cluster.place(wants(9, "1")),
            "0/1 nodes are available: 1 node(s) had untolerated taint {k: }. preemption: 0/1 nodes "
            "are available: 1 Preemption is not helpful for scheduling.");
}

TEST(Preemption, FreesHostPorts) {
  Cluster cluster;
  cluster.add(big_node("n")).add(on("web", "n", 1, "1").with(host_port(80)));
  EXPECT_EQ(cluster.preempt(wants(9, "1").with(host_port(80))), "n: web");
}

TEST(Preemption, WaitsForVictimsThatAreLeaving) {
  Cluster cluster;
  cluster.add(big_node("n", "1"));
  cluster.add(on("low", "n", 1, "1").deleting());
  const auto incoming = cluster.cache.info(wants(9, "1").object());
  cluster.cache.snapshot().nominate(incoming, cluster.cache.words().id("n"));
  EXPECT_EQ(cluster.place(wants(9, "1")),
            "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a "
            "terminating pod on the nominated node.");
}

TEST(Nomination, HoldsThePlaceAgainstLowerAndNotAgainstHigherPriority) {
  Cluster cluster;
  cluster.add(big_node("n", "1"));
  const auto nominee =
      cluster.cache.info(pod("nominee").with(priority(5)).with(requests("cpu", "1")).object());
  cluster.cache.snapshot().nominate(nominee, cluster.cache.words().id("n"));
  EXPECT_NE(cluster.place(wants(4, "1")), "n");
  EXPECT_NE(cluster.place(wants(5, "1")), "n");
  EXPECT_EQ(cluster.place(wants(6, "1")), "n");
  EXPECT_EQ(cluster.place(pod("nominee").with(priority(5)).with(requests("cpu", "1"))), "n");
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(Nomination, TheNominatedNodeIsTriedFirst) {
  Cluster cluster;
  cluster.add(big_node("a", "64")).add(big_node("b", "1"));
  const auto nominee = cluster.cache.info(wants(5, "1").object());
  cluster.cache.snapshot().nominate(nominee, cluster.cache.words().id("b"));
  EXPECT_EQ(cluster.place(wants(5, "1")), "b");
}

}  // namespace
}  // namespace keelson
