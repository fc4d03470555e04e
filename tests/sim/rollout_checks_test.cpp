// The checks of rollouts: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "sim/checks/rollout_rules.hpp"
#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

// "web" with 4 replicas, maxSurge 1 and maxUnavailable 1, and ReplicaSets "v1", "v2", ... of images
// of these names.
struct Rollouts : testing::Test {
  History h{add_workload_checks};
  int64_t generation = 1;
  std::string image = "v1";
  int32_t replicas = 4;

  DeploymentBuilder web() const {
    auto d = deployment("web").replicas(replicas).selects("app", "web").surge(1).unavailable(1);
    d.image(image).generation(generation);
    return d.with([&](auto& m) { m.mutable_status()->set_observed_generation(generation); });
  }
  void put_web() { h.put(web()); }
  void roll_to(std::string to) {
    image = std::move(to);
    ++generation;
    put_web();
  }
  ReplicaSetBuilder set(const std::string& name, int32_t size, int64_t set_generation = 1) const {
    return replica_set(name)
        .owner(web())
        .selects("app", "web")
        .image(name)
        .replicas(size)
        .generation(set_generation)
        .created(name.back() - '0')
        .annotation(kRevisionAnnotation, name.substr(1))
        .annotation(kDesiredAnnotation, std::to_string(replicas));
  }
  PodBuilder own(const std::string& of, const std::string& name) const {
    return pod(name).owner(set(of, 0)).label("app", "web").image(of).on("n1");
  }
  // All four pods of v1 serve, and everybody has seen it.
  void available() {
    put_web();
    h.put(set("v1", 4).reports(4, 4, 4));
    for (const char* name : {"a", "b", "c", "d"}) h.put(own("v1", name).ready());
  }
  ReplicaSetBuilder shrunk(int32_t to, int32_t was_available) const {
    return set("v1", to, 2).with([&](auto& m) {
      m.mutable_status()->set_replicas(4);
      m.mutable_status()->set_available_replicas(was_available);
      m.mutable_status()->set_observed_generation(1);
    });
  }
};

TEST_F(Rollouts, GrowthWithinTheSurgeIsRightAndBeyondItBreaksDp1) {
  available();
  roll_to("v2");
  h.put(set("v2", 1), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "");
  h.put(set("v2", 2, 2), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-1");
}

TEST_F(Rollouts, WritesOfOneDecisionAddUp) {
  available();
  roll_to("v2");
  h.put(set("v2", 0), kDeployments, h.knowing());
  const auto plan = h.knowing();
  h.put(set("v2", 1, 2), kDeployments, plan);
  EXPECT_EQ(h.broken(), "");
  h.put(set("v2", 2, 3), kDeployments, plan);
  EXPECT_EQ(h.broken(), "DP-1");
}

TEST_F(Rollouts, ScalingFollowsTheUser) {
  available();
  replicas = 9;
  ++generation;
  put_web();
  h.put(set("v1", 9, 2), kDeployments, h.knowing());
  replicas = 2;
  ++generation;
  put_web();
  h.put(set("v1", 2, 3), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Rollouts, AnOldSetGivesUpWhatIsSpare) {
  available();
  roll_to("v2");
  h.put(set("v2", 1), kDeployments, h.knowing());
  h.put(shrunk(3, 4), kDeployments, h.knowing());  // 5 asked for, 3 must stay, 1 is not available
  EXPECT_EQ(h.broken(), "");
  EXPECT_GT(h.evaluations("DP-2"), 0u);
}

TEST_F(Rollouts, ForgettingUnavailableNewPodsBreaksDp2) {
  available();
  roll_to("v2");
  h.put(set("v2", 1), kDeployments, h.knowing());
  h.put(set("v1", 4).reports(4, 2, 2), kReplicaSets, h.knowing());
  h.put(shrunk(2, 2), kDeployments, h.knowing());  // cleans up two, though only one may go
  EXPECT_EQ(h.broken(), "DP-2");
}

TEST_F(Rollouts, GivingUpAvailablePodsThatCannotBeSparedBreaksDp2) {
  available();
  roll_to("v2");
  h.put(set("v2", 1).reports(1, 1, 0), kDeployments, h.knowing());
  h.put(set("v2", 1).reports(1, 1, 1), kReplicaSets, h.knowing());
  h.put(set("v1", 4).reports(4, 2, 2), kReplicaSets, h.knowing());
  // Two may go, those that do not serve; three are more than that.
  h.put(shrunk(1, 2), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-2");
}

TEST_F(Rollouts, DeletingBelowThePromiseBreaksDp3) {
  available();
  roll_to("v2");
  h.put(shrunk(3, 4), kDeployments, h.knowing());
  h.put(own("v1", "a").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
  EXPECT_GT(h.evaluations("DP-3"), 1u);
  h.put(own("v1", "b").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-3 DP-3");  // it also is one more than there were too many
}

TEST_F(Rollouts, InvoluntaryLossesAreNoBreachOfThePromise) {
  available();
  h.power_off("n1");
  for (const char* name : {"a", "b", "c"}) h.put(own("v1", name).not_ready());
  roll_to("v2");
  h.put(shrunk(3, 4), kDeployments, h.knowing());
  h.put(own("v1", "a").not_ready().deleting(), kReplicaSets, h.knowing());
  h.put(own("v1", "d").ready().deleting(), kUser);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Rollouts, ALossThatWasNotSeenYetIsNotMadeGoodByShrinking) {
  available();
  const api::Revision early = h.revision();
  h.remove(own("v1", "a"), kUser);
  roll_to("v2");
  h.put(set("v2", 1), kDeployments, h.knowing());
  h.put(shrunk(3, 4), kDeployments, h.knowing());
  // Three serve and three are asked for, but four are seen.
  auto stale = std::make_shared<api::Basis>(*h.knowing());
  stale->seen[static_cast<std::size_t>(api::Kind::pods)] = early;
  h.put(own("v1", "b").ready().deleting(), kReplicaSets, stale);
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.ledger().open(), 1u);
  h.put(own("v1", "e").ready(), kReplicaSets, h.knowing());
  h.put(set("v1", 3, 2).reports(3, 3, 3), kReplicaSets);
  EXPECT_EQ(h.ledger().open(), 0u);
}

TEST_F(Rollouts, APodThatRecoveredAfterItWasGivenUpIsExcused) {
  available();
  roll_to("v2");
  h.put(own("v1", "a").not_ready()).put(own("v1", "b").not_ready());
  h.put(set("v1", 4).reports(4, 2, 2), kReplicaSets, h.knowing());
  h.put(set("v1", 2, 2).with([](auto& m) {
    m.mutable_status()->set_replicas(4);
    m.mutable_status()->set_available_replicas(2);
    m.mutable_status()->set_observed_generation(1);
  }), kDeployments, h.knowing());
  h.broken();
  const auto plan = h.knowing();
  h.put(own("v1", "a").ready(), "agent/n1").put(own("v1", "b").ready(), "agent/n1");
  h.put(own("v1", "a").ready().deleting(), kReplicaSets, plan);
  h.put(own("v1", "b").ready().deleting(), kReplicaSets, plan);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Rollouts, NothingIsPromisedWhileAScaleUpHasNotBeenSeen) {
  available();
  replicas = 8;
  ++generation;
  put_web();
  h.put(set("v1", 3, 2), kUser);  // a user's own doing
  h.put(own("v1", "a").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Rollouts, RecreateWaitsForTheEndOfOldPods) {
  const auto recreate = [&] { return web().strategy("Recreate"); };
  h.put(recreate()).put(set("v1", 0)).put(own("v1", "a").ready().deleting());
  image = "v2";
  ++generation;
  h.put(recreate());
  const auto early = h.knowing();
  h.remove(own("v1", "a"));
  h.put(set("v2", 4), kDeployments, early);
  EXPECT_EQ(h.broken(), "");  // it has ended by now: nothing can overlap
  h.put(set("v2", 0, 2), kDeployments, h.knowing()).put(own("v1", "b").ready().deleting());
  h.put(set("v2", 4, 3), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-4");
}

TEST_F(Rollouts, ASecondSetOfTheSameTemplateBreaksDp5) {
  available();
  roll_to("v2");
  h.put(set("v2", 0), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "");
  h.put(set("v3", 0).image("v2"), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-5");
}

TEST_F(Rollouts, ARevisionThatDoesNotRiseBreaksDp5) {
  available();
  roll_to("v2");
  h.put(set("v2", 0), kDeployments, h.knowing());
  roll_to("v1");  // an undo: v1 becomes revision 3
  h.put(set("v1", 4).annotation(kRevisionAnnotation, "3"), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "");
  h.put(set("v2", 0).annotation(kRevisionAnnotation, "3"), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-5");
}

TEST_F(Rollouts, ChangingTheTemplateOfASetBreaksDp5) {
  available();
  h.put(set("v1", 4, 2).image("v7"), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-5");
}

TEST_F(Rollouts, OnlyEmptyOldSetsAreTrimmed) {
  available();
  roll_to("v2");
  h.put(set("v0", 0)).put(set("v2", 0), kDeployments, h.knowing());
  h.remove(set("v0", 0), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "");
  h.remove(set("v2", 0), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-6");
  h.remove(set("v1", 4), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-6");
}

struct Progress : Rollouts {
  api::ObjectPtr says(const char* reason, int64_t at, bool paused = false) const {
    return web().paused(paused).with([&](auto& m) {
      auto* condition = m.mutable_status()->add_conditions();
      condition->set_type("Progressing");
      condition->set_reason(reason);
      condition->mutable_last_update_time()->set_seconds(at);
    });
  }
};

TEST_F(Progress, TheDeadlineCountsFromTheLastProgress) {
  available();
  h.pass(590s);
  h.put(set("v1", 4).reports(4, 3, 3));
  h.put(says("ReplicaSetUpdated", 590), kDeployments, h.knowing());
  h.pass(601s);
  h.put(says("ProgressDeadlineExceeded", 1191), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Progress, SayingItTooEarlyBreaksDp7) {
  available();
  h.pass(590s);
  h.put(set("v1", 4).reports(4, 3, 3));
  h.put(says("ReplicaSetUpdated", 590), kDeployments, h.knowing());
  h.pass(20s);
  h.put(says("ProgressDeadlineExceeded", 610), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-7");
}

TEST_F(Progress, SayingItOfAPausedOrACompleteRolloutBreaksDp7) {
  available();
  h.pass(700s);
  h.put(says("ProgressDeadlineExceeded", 700), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-7") << "it is complete";
  h.put(set("v1", 4).reports(4, 3, 3)).put(says("ReplicaSetUpdated", 700, true));
  h.pass(700s);
  h.put(says("ProgressDeadlineExceeded", 1400, true), kDeployments, h.knowing());
  EXPECT_EQ(h.broken(), "DP-7") << "it is paused";
}

TEST_F(Progress, NotSayingItBreaksDp7OnlyWhenAllIsWell) {
  available();
  h.put(set("v1", 4).reports(4, 3, 3));
  h.put(says("ReplicaSetUpdated", 1), kDeployments, h.knowing());
  h.pass(1000s);
  EXPECT_EQ(h.broken(), "");
  h.phase(Phase::converging);
  h.pass(620s);
  EXPECT_EQ(h.broken(), "");
  h.pass(30s);
  EXPECT_EQ(h.broken(), "DP-7");
}

TEST_F(Rollouts, ARolloutIsPendingUntilItIsComplete) {
  available();
  EXPECT_EQ(h.pending(), "DP-8: its status does not show that it is complete");
  h.put(web().with([](auto& m) {
    m.mutable_status()->set_replicas(4);
    m.mutable_status()->set_updated_replicas(4);
    m.mutable_status()->set_available_replicas(4);
  }));
  EXPECT_EQ(h.pending(), "");
  roll_to("v2");
  EXPECT_EQ(h.pending(), "DP-8: no ReplicaSet has its template");
  h.put(set("v2", 0).reports(0, 0, 0));
  EXPECT_EQ(h.pending(), "DP-8: 0 of 4 pods are updated and ready, 4 are of old templates");
}

TEST_F(Rollouts, AnUndoIsPendingUntilTheOldTemplateIsBack) {
  available();
  roll_to("v2");
  h.put(set("v2", 0).reports(0, 0, 0).annotation(kHistoryAnnotation, "1"));
  EXPECT_EQ(h.pending(), "DP-6: 0 of 4 pods are updated and ready, 4 are of old templates");
}

}  // namespace
}  // namespace keelson::sim::test
