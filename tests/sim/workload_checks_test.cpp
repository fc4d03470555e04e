// The checks of ReplicaSets and the ledger of involuntary losses: each fires on a broken history
// and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

struct ReplicaSets : testing::Test {
  History h{add_workload_checks};
  api::ObjectPtr rs;

  void SetUp() override { size(2); }
  void size(int32_t replicas, int64_t generation = 1) {
    rs = replica_set("web").replicas(replicas).selects("app", "web").image("nginx").generation(
        generation);
    h.put(rs);
  }
  PodBuilder own(const std::string& name) const {
    return pod(name).label("app", "web").owner(rs).image("nginx");
  }
};

TEST_F(ReplicaSets, CreatingUpToTheSizeIsRight) {
  const auto plan = h.knowing();
  h.put(own("a"), kReplicaSets, plan).put(own("b"), kReplicaSets, plan);
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("RS-2"), 3u);  // each creation, and the recomputation
}

TEST_F(ReplicaSets, CreatingWithoutSeeingOnesOwnWritesBreaksRs2) {
  const auto plan = h.knowing();
  h.put(own("a"), kReplicaSets, plan).put(own("b"), kReplicaSets, plan);
  auto stale = std::make_shared<api::Basis>(*plan);
  h.put(own("c"), kReplicaSets, stale);
  EXPECT_EQ(h.broken(), "RS-2");
}

TEST_F(ReplicaSets, AScaleDownThatWasNotKnownYetExcusesCreation) {
  const auto plan = h.knowing();
  size(0, 2);
  h.put(own("a"), kReplicaSets, plan);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(ReplicaSets, AFailedPodIsReplaced) {
  h.put(own("a").ready(), kReplicaSets, h.knowing());
  h.put(own("b").ready(), kReplicaSets, h.knowing());
  h.put(own("a").phase("Failed"), "agent/n1");
  h.put(own("c"), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(ReplicaSets, TheLeastValuablePodsGoFirst) {
  h.put(own("ready").on("n1").ready()).put(own("pending").on("n1").phase("Pending"));
  size(1, 2);
  h.put(own("pending").on("n1").phase("Pending").deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
  EXPECT_GT(h.evaluations("RS-3"), 0u);
}

TEST_F(ReplicaSets, DeletingAReadyPodBeforeAPendingOneBreaksRs3) {
  h.put(own("ready").on("n1").ready()).put(own("pending").on("n1").phase("Pending"));
  size(1, 2);
  h.put(own("ready").on("n1").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-3");
}

TEST_F(ReplicaSets, AmongEqualsTheNewerGoesFirst) {
  h.put(own("old").on("n1").ready(9).created(1)).put(own("new").on("n2").ready(9).created(2));
  size(1, 2);
  h.put(own("old").on("n1").ready(9).created(1).deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-3");
}

TEST_F(ReplicaSets, AmongReadyPodsTheOneThatWasReadyForAShorterTimeGoesFirst) {
  h.put(own("long").on("n1").ready(5)).put(own("short").on("n2").ready(9));
  size(1, 2);
  const auto plan = h.knowing();
  h.put(own("long").on("n1").ready(5).deleting(), kReplicaSets, plan);
  EXPECT_EQ(h.broken(), "RS-3");
}

TEST_F(ReplicaSets, PodsThatShareANodeWithOthersOfTheWorkloadGoFirst) {
  const api::ObjectPtr shop = deployment("shop").selects("app", "web");
  rs = replica_set("web").owner(shop).replicas(1).selects("app", "web").generation(2);
  const api::ObjectPtr sibling = replica_set("web-2").owner(shop).replicas(1).selects("app", "web");
  h.put(shop).put(rs).put(sibling);
  h.put(own("a").on("n1").ready(1)).put(own("b").on("n2").ready(9));
  h.put(pod("other").owner(sibling).on("n1").ready());
  h.put(own("b").on("n2").ready(9).deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-3") << "a has been ready for longer, but is not alone on its node";
}

TEST_F(ReplicaSets, TheCostOfADeletionCountsForMore) {
  const auto dear = own("dear").on("n1").ready(9).annotation(
      "controller.kubernetes.io/pod-deletion-cost", "10");
  h.put(dear).put(own("cheap").on("n2").ready(1));
  size(1, 2);
  h.put(own("cheap").on("n2").ready(1).deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(ReplicaSets, WhatBecameReadyAfterTheDecisionExcusesIt) {
  h.put(own("a").on("n1").ready()).put(own("b").on("n1").phase("Pending"));
  size(1, 2);
  const auto plan = h.knowing();
  h.put(own("b").on("n1").ready()).put(own("a").on("n1").not_ready());
  h.put(own("b").on("n1").ready().deleting(), kReplicaSets, plan);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(ReplicaSets, ADecisionThatIsCutShortIsNotJudged) {
  h.put(own("a").on("n1").ready()).put(own("b").on("n1").ready()).put(own("c"));
  size(1, 2);
  // Two must go; of the two deletions only the dearer one has arrived.
  h.put(own("a").on("n1").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(ReplicaSets, DeletingMoreThanThereAreTooManyBreaksRs3) {
  h.put(own("a").ready()).put(own("b").ready());
  h.put(own("a").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-3");
}

TEST_F(ReplicaSets, DeletingAPodThatItDoesNotControlBreaksRs4) {
  const auto stranger = pod("stranger").label("app", "web");
  h.put(stranger);
  h.remove(stranger, kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-4");
}

TEST_F(ReplicaSets, AdoptingWhatItSelectsIsRightAndNothingElseIs) {
  h.put(pod("good").label("app", "web")).put(pod("bad").label("app", "db"));
  h.put(own("good"), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
  h.put(pod("bad").label("app", "db").owner(rs), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-4");
}

TEST_F(ReplicaSets, LettingGoOfWhatItDoesNotSelectIsRightAndOfWhatItDoesIsNot) {
  h.put(own("a").ready()).put(own("b").ready().label("app", "db"));
  h.put(pod("b").label("app", "db").ready(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "");
  h.put(pod("a").label("app", "web").ready(), kReplicaSets, h.knowing());
  EXPECT_EQ(h.broken(), "RS-4");
}

TEST_F(ReplicaSets, TheSizeAndTheStatusArePendingUntilTheyAreRight) {
  EXPECT_EQ(h.pending(), "RS-1: 0 of 2 pods are active");
  h.put(own("a").ready()).put(own("b").ready());
  EXPECT_EQ(h.pending(), "RS-1: its status is not up to date");
  h.put(replica_set("web").replicas(2).selects("app", "web").reports(2, 2, 2));
  EXPECT_EQ(h.pending(), "");
}

struct Ledger : ReplicaSets {
  void SetUp() override {
    ReplicaSets::SetUp();
    for (const char* name : {"a", "b"}) {
      h.put(own(name).on("n1").ready(), kReplicaSets, h.knowing());
    }
  }
  uint32_t open() const { return h.ledger().open_for("uid-web"); }
};

TEST_F(Ledger, APodThatWasNeverReadyIsNotMissed) {
  h.put(own("c").on("n1").not_ready());
  h.remove(own("c"));
  EXPECT_EQ(h.ledger().total(), 0u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, AFlapIsOpenUntilThePodIsReadyAgain) {
  h.put(own("a").on("n1").not_ready(), "agent/n1");
  EXPECT_EQ(open(), 1u);
  h.pass(7s);
  h.put(own("a").on("n1").ready(), "agent/n1");
  EXPECT_EQ(open(), 0u);
  EXPECT_EQ(h.ledger().heal_times(), std::vector<Duration>{7s});
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, DeletionsByTheControllerAreVoluntaryAndByOthersAreNot) {
  size(1, 2);
  h.put(own("a").on("n1").ready().deleting(), kReplicaSets, h.knowing());
  EXPECT_EQ(open(), 0u);
  h.put(own("b").on("n1").ready().deleting(), kUser);
  EXPECT_EQ(open(), 1u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, AReplacementThatServesHealsAllAtOnce) {
  h.remove(own("a")).remove(own("b"));
  EXPECT_EQ(open(), 2u);
  h.put(own("c").on("n2").ready());
  EXPECT_EQ(open(), 2u);
  h.put(own("d").on("n2").ready());
  EXPECT_EQ(open(), 0u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, ASurplusElsewhereDoesNotMakeGoodWhatASetStillLacks) {
  const api::ObjectPtr d =
      deployment("shop").replicas(2).selects("app", "shop").image("v2").surge(1).unavailable(0);
  const api::ObjectPtr v1 = replica_set("shop-1").replicas(2).owner(d);
  const api::ObjectPtr v2 = replica_set("shop-2").replicas(1).owner(d);
  h.put(d).put(v1).put(v2);
  h.put(pod("p").owner(v1).ready()).put(pod("q").owner(v1).ready()).put(pod("r").owner(v2).ready());
  h.put(pod("p").owner(v1).ready().deleting(), kUser);
  EXPECT_EQ(h.ledger().open_for("uid-shop"), 1u) << "whoever has not seen it counts on three";
  h.put(pod("s").owner(v1).ready());
  EXPECT_EQ(h.ledger().open_for("uid-shop"), 0u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, PowerLossCountsAtOnceAndEndsWhenContainersRunAndTheApiSaysReady) {
  h.power_off("n1");
  EXPECT_EQ(open(), 2u);
  h.put(own("a").on("n1").ready().label("touched", "yes"));
  EXPECT_EQ(open(), 2u) << "the API only still claims that it is ready";
  h.put(own("a").on("n1").not_ready(), kReplicaSets);
  h.container("uid-a", true);
  h.put(own("a").on("n1").ready(), "agent/n1");
  EXPECT_EQ(open(), 1u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, AContainerThatStopsIsALossUnlessThePodIsBeingDeleted) {
  size(1, 2);
  h.put(own("b").on("n1").ready().deleting(), kReplicaSets, h.knowing());
  h.container("uid-b", false);
  EXPECT_EQ(open(), 0u);
  h.container("uid-a", false);
  EXPECT_EQ(open(), 1u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, AWorkloadThatIsGoneMissesNobody) {
  h.put(own("a").on("n1").not_ready());
  h.remove(rs);
  EXPECT_EQ(h.ledger().open(), 0u);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Ledger, ThePodsOfADeploymentsSetsAreItsOwn) {
  const api::ObjectPtr d = deployment("shop").replicas(1).selects("app", "shop").image("v1");
  const api::ObjectPtr set = replica_set("shop-1").replicas(1).owner(d);
  h.put(d).put(set).put(pod("p").owner(set).ready());
  h.put(pod("p").owner(set).not_ready());
  EXPECT_EQ(h.ledger().open_for("uid-shop"), 1u);
  EXPECT_EQ(h.broken(), "");
}

}  // namespace
}  // namespace keelson::sim::test
