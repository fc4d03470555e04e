// The checks of the cluster as a whole: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

struct Cluster : testing::Test {
  History h{add_global_checks};

  static ReplicaSetBuilder web(int32_t replicas) {
    return replica_set("web").replicas(replicas).selects("app", "web").image("nginx");
  }
  static PodBuilder own(const std::string& name, const std::string& image = "nginx") {
    return pod(name).owner(web(0)).image(image).on("n1").ready();
  }
};

TEST_F(Cluster, AtRestNothingIsWritten) {
  h.put(pod("a").on("n1"));
  h.phase(Phase::quiet);
  h.put(pod("a").on("n1").label("touched", "yes"), kUser);
  EXPECT_EQ(h.broken(), "GL-1");
  h.put(pod("b"), kReplicaSets);
  EXPECT_EQ(h.broken(), "GL-1");
  h.remove(pod("b"), kReplicaSets);
  EXPECT_EQ(h.broken(), "GL-1");
}

TEST_F(Cluster, AtRestNodesAreRefreshedNowAndThenAndNoMore) {
  h.put(node("n1").ready());
  h.phase(Phase::quiet);
  for (int i = 0; i < 2; ++i) h.put(node("n1").ready().label("i", std::to_string(i)), "agent/n1");
  EXPECT_EQ(h.broken(), "");
  h.put(node("n1").ready().label("i", "2"), "agent/n1");
  EXPECT_EQ(h.broken(), "GL-1");
  h.pass(600s);
  h.put(node("n1").ready().label("i", "3"), "agent/n1");
  EXPECT_EQ(h.broken(), "");
  h.put(node("n1").ready("False"), "agent/n1");
  EXPECT_EQ(h.broken(), "GL-1") << "it has changed";
}

TEST_F(Cluster, AtRestAFightOverAPodsStatusIsNoticed) {
  h.put(pod("a"));
  h.phase(Phase::quiet);
  h.put(pod("a").phase("Pending"), kScheduler);
  EXPECT_EQ(h.broken(), "");
  h.put(pod("a").phase("Pending").label("again", "yes"), kScheduler);
  EXPECT_EQ(h.broken(), "GL-1");
}

TEST_F(Cluster, InTheEndEachReplicaSetHasItsPods) {
  h.put(web(2)).put(own("a")).put(own("b"));
  h.end();
  EXPECT_EQ(h.broken(), "");
  h.put(web(3));
  h.end();
  EXPECT_EQ(h.broken(), "GL-2");
}

TEST_F(Cluster, InTheEndPodsRunWhatTheirReplicaSetSays) {
  h.put(web(1)).put(own("a", "nginx:old"));
  h.end();
  EXPECT_EQ(h.broken(), "GL-2");
}

TEST_F(Cluster, InTheEndADeploymentIsAsSpecified) {
  auto d = [](int32_t updated, int64_t observed) {
    return deployment("web").replicas(1).generation(2).with([=](auto& m) {
      m.mutable_status()->set_observed_generation(observed);
      m.mutable_status()->set_updated_replicas(updated);
    });
  };
  h.put(d(1, 2)).put(web(1).owner(d(1, 2))).put(own("a"));
  h.end();
  EXPECT_EQ(h.broken(), "");
  h.put(d(0, 2));
  h.end();
  EXPECT_EQ(h.broken(), "GL-2");
  h.put(d(1, 1));
  h.end();
  EXPECT_EQ(h.broken(), "GL-2");
}

TEST_F(Cluster, InTheEndARolloutMayBeHeldUpWithinItsBounds) {
  const auto d = deployment("web").replicas(1).surge(1).unavailable(0).generation(1).with([](auto& m) {
    m.mutable_status()->set_observed_generation(1);
  });
  const auto next = [&](int32_t size) {
    return replica_set("next").replicas(size).image("nginx:2").owner(d);
  };
  h.put(d).put(web(1).owner(d)).put(own("a"));
  h.put(next(1)).put(pod("b").owner(next(1)).image("nginx:2").phase("Pending"));
  h.end();
  EXPECT_EQ(h.broken(), "") << "the cluster is full";
  h.put(next(2)).put(pod("c").owner(next(2)).image("nginx:2").phase("Pending"));
  h.end();
  EXPECT_EQ(h.broken(), "GL-2");
}

TEST_F(Cluster, CreatingMoreThanWishesAndLossesAccountForBreaksGl3) {
  h.put(web(2)).put(own("a"), kReplicaSets).put(own("b"), kReplicaSets);
  h.put(own("a").phase("Failed"), "agent/n1");
  h.put(own("c"), kReplicaSets);
  EXPECT_EQ(h.broken(), "");
  h.put(own("d"), kReplicaSets);
  EXPECT_EQ(h.broken(), "GL-3");
}

TEST_F(Cluster, AReplicaSetForEachChangeOfTheDeploymentAndNoMore) {
  const api::ObjectPtr d = deployment("shop");
  h.put(d).put(replica_set("shop-1").owner(d), kDeployments);
  EXPECT_EQ(h.broken(), "");
  h.put(replica_set("shop-2").owner(d), kDeployments);
  EXPECT_EQ(h.broken(), "GL-3");
}

TEST_F(Cluster, TimeThatGoesBackBreaksGl4) {
  h.put(pod("a"));
  h.go_back(1s);
  h.put(pod("b"));
  EXPECT_EQ(h.broken(), "GL-4");
}

}  // namespace
}  // namespace keelson::sim::test
