#include "core/controllers/replica_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/api/json.hpp"
#include "core/controllers/victims.hpp"
#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsNull;
using ::testing::NotNull;
using ::testing::UnorderedElementsAre;

ReplicaSetBuilder web(int32_t replicas) {
  return replica_set("web").replicas(replicas).selects("app", "web").image("nginx:1");
}
PodBuilder web_pod(const std::string& name, const api::ObjectPtr& rs) {
  return pod(name).label("app", "web").owner(rs);
}
int count(const Plan& plan, api::Verb verb) {
  int n = 0;
  for (const auto& write : plan.writes) n += write.request.verb == verb ? 1 : 0;
  return n;
}
std::vector<std::string> deleted(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& write : plan.writes) {
    if (write.request.verb == api::Verb::remove) names.push_back(write.request.name);
  }
  return names;
}

TEST(ReplicaSet, CreatesWhatIsMissingInGrowingBatches) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(8));
  world.put(web_pod("web-a", rs).ready());
  const Plan plan = world.reconcile(controller, rs);

  EXPECT_EQ(count(plan, api::Verb::create), 7);
  std::map<uint32_t, int> stages;
  for (const auto& write : plan.writes) {
    if (write.request.verb == api::Verb::create) ++stages[write.stage];
  }
  EXPECT_THAT(stages, ElementsAre(std::pair(0u, 1), std::pair(1u, 2), std::pair(2u, 4)));

  const PlannedWrite* create = find_write(plan, "create pods");
  ASSERT_THAT(create, NotNull());
  const auto& made = body<api::Pod>(*create);
  EXPECT_EQ(made.metadata().generate_name(), "web-");
  EXPECT_EQ(made.metadata().namespace_(), "default");
  EXPECT_EQ(made.metadata().labels().at("app"), "web");
  ASSERT_EQ(made.metadata().owner_references_size(), 1);
  const auto& owner = made.metadata().owner_references(0);
  EXPECT_EQ(owner.api_version(), "apps/v1");
  EXPECT_EQ(owner.kind(), "ReplicaSet");
  EXPECT_EQ(owner.uid(), rs->uid());
  EXPECT_TRUE(owner.controller() && owner.block_owner_deletion());
  EXPECT_EQ(made.spec().containers(0).image(), "nginx:1");
  EXPECT_EQ(create->on_success->reason, "SuccessfulCreate");
  EXPECT_EQ(create->on_success->message, "Created pod: {}");
  EXPECT_EQ(create->on_failure->reason, "FailedCreate");
}

TEST(ReplicaSet, CreatesNoMoreThanABurstAtOnce) {
  World world;
  ReplicaSetController controller;
  EXPECT_EQ(count(world.reconcile(controller, world.put(web(1200))), api::Verb::create), 500);
}

TEST(ReplicaSet, FinishedAndTerminatingPodsDoNotCount) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(2));
  world.put(web_pod("web-a", rs).phase("Failed"));
  world.put(web_pod("web-b", rs).phase("Succeeded"));
  world.put(web_pod("web-c", rs).ready().deleting());
  world.put(web_pod("web-d", rs).phase("Unknown"));
  const Plan plan = world.reconcile(controller, rs);
  EXPECT_EQ(count(plan, api::Verb::create), 1);
  EXPECT_THAT(deleted(plan), IsEmpty());
}

TEST(ReplicaSet, DeletesWithUidPrecondition) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(0));
  world.put(web_pod("web-a", rs).uid("u-7").ready());
  const Plan plan = world.reconcile(controller, rs);
  const PlannedWrite* write = find_write(plan, "delete pods web-a");
  ASSERT_THAT(write, NotNull());
  EXPECT_EQ(write->request.expected.uid, "u-7");
}

TEST(ReplicaSet, NeverTouchesPodsOfOthers) {
  World world;
  ReplicaSetController controller;
  const auto other = world.put(replica_set("other").selects("app", "web").replicas(1));
  const auto rs = world.put(web(0));
  world.put(pod("x").label("app", "web").owner(other).ready());
  EXPECT_THAT(deleted(world.reconcile(controller, rs)), IsEmpty());
}

TEST(ReplicaSet, DoesNothingWhenBeingDeletedButReport) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(3).deleting());
  world.put(web_pod("web-a", rs).ready());
  EXPECT_THAT(describe(world.reconcile(controller, rs)),
              ElementsAre("update/status replicasets web"));
}

TEST(ReplicaSet, LetsNothingGoOnceItIsBeingDeleted) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1).reports(1, 1, 1).deleting());
  world.put(pod("web-a").label("app", "other").owner(rs).ready());
  EXPECT_THAT(find_write(world.reconcile(controller, rs), "update pods"), ::testing::IsNull())
      << "it goes with its owner";
}

TEST(ReplicaSet, AdoptsOrphansAfterALiveCheckOfItself) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1));
  const auto orphan = world.put(pod("stray").label("app", "web").ready());
  const Plan plan = world.reconcile(controller, rs);
  ASSERT_THAT(describe(plan), ElementsAre("update pods stray"));
  const PlannedWrite& write = plan.writes[0];
  EXPECT_EQ(write.request.expected.revision, orphan->revision());
  EXPECT_EQ(write.request.expected.uid, orphan->uid());
  EXPECT_EQ(body<api::Pod>(write).metadata().owner_references(0).uid(), rs->uid());
  ASSERT_EQ(write.checks.size(), 1u);
  EXPECT_EQ(write.checks[0].expect, LiveCheck::Expect::present);
  EXPECT_EQ(write.checks[0].key, rs->key());
  EXPECT_EQ(write.checks[0].uid, rs->uid());
}

TEST(ReplicaSet, DoesNotAdoptFinishedTerminatingOrOwnedPods) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(0).reports(0, 0, 0));
  const auto other = world.put(replica_set("other").selects("x", "y"));
  world.put(pod("done").label("app", "web").phase("Succeeded"));
  world.put(pod("ending").label("app", "web").ready().deleting());
  world.put(pod("theirs").label("app", "web").owner(other).ready());
  EXPECT_THAT(describe(world.reconcile(controller, rs)), IsEmpty());
}

TEST(ReplicaSet, ReleasesPodsThatTheSelectorMatchesNoMore) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1));
  world.put(pod("web-a").label("app", "debug").owner(rs).ready());
  const Plan plan = world.reconcile(controller, rs);
  ASSERT_THAT(describe(plan), ElementsAre("update pods web-a"));
  EXPECT_EQ(body<api::Pod>(plan.writes[0]).metadata().owner_references_size(), 0);
}

TEST(ReplicaSet, ReportsCountsAndStaysQuietWhenTheyAreRight) {
  World world;
  ReplicaSetController controller;
  auto rs = world.put(web(3).generation(4));
  world.put(web_pod("web-a", rs).ready());
  world.put(web_pod("web-b", rs).not_ready());
  world.put(web_pod("web-c", rs).ready());
  Plan plan = world.reconcile(controller, rs);
  ASSERT_THAT(describe(plan), ElementsAre("update/status replicasets web"));
  const auto& status = body<api::ReplicaSet>(plan.writes[0]).status();
  EXPECT_EQ(status.replicas(), 3);
  EXPECT_EQ(status.fully_labeled_replicas(), 3);
  EXPECT_EQ(status.ready_replicas(), 2);
  EXPECT_EQ(status.available_replicas(), 2);
  EXPECT_EQ(status.observed_generation(), 4);
  rs = world.put(web(3).generation(4).reports(3, 2, 2));
  EXPECT_THAT(describe(world.reconcile(controller, rs)), IsEmpty());
}

TEST(ReplicaSet, MinReadySecondsCountFromWhatWasSeen) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1).min_ready(10).reports(1, 1, 0));
  world.put(web_pod("web-a", rs).not_ready());
  world.reconcile(controller, rs);
  world.pass(5s);
  // The node's clock is an hour behind, so its timestamp claims an hour of readiness.
  const int64_t claimed = world.wall.unix_ns / 1'000'000'000 - 3600;
  world.put(web_pod("web-a", rs).ready(claimed));
  Plan plan = world.reconcile(controller, rs);
  EXPECT_THAT(describe(plan), IsEmpty()) << "ready, not available";
  EXPECT_EQ(plan.requeue_after, 10s);
  world.pass(4s);
  EXPECT_EQ(world.reconcile(controller, rs).requeue_after, 6s);
  world.pass(6s);
  plan = world.reconcile(controller, rs);
  ASSERT_THAT(describe(plan), ElementsAre("update/status replicasets web"));
  EXPECT_EQ(body<api::ReplicaSet>(plan.writes[0]).status().available_replicas(), 1);
}

// Two changes of a pod can arrive together, so that only the last is looked at.
TEST(ReplicaSet, AFlapThatNobodySawStartsMinReadySecondsAnew) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1).min_ready(10).reports(1, 1, 0));
  world.put(web_pod("web-a", rs).not_ready());
  world.reconcile(controller, rs);
  world.put(web_pod("web-a", rs).ready(1000));
  EXPECT_EQ(world.reconcile(controller, rs).requeue_after, 10s);
  world.pass(8s);
  world.put(web_pod("web-a", rs).not_ready());
  world.put(web_pod("web-a", rs).ready(1008));
  EXPECT_EQ(world.reconcile(controller, rs).requeue_after, 10s);
}

TEST(ReplicaSet, AfterARestartAReadyPodIsGivenCreditForItsTimestamp) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1).min_ready(10).reports(1, 1, 1));
  world.put(web_pod("web-a", rs).ready(world.wall.unix_ns / 1'000'000'000 - 60));
  EXPECT_THAT(describe(world.reconcile(controller, rs)), IsEmpty()) << "stays available";
}

TEST(ReplicaSet, ARefusedCreateShowsAsConditionUntilThePodsAreThere) {
  World world;
  ReplicaSetController controller;
  auto rs = world.put(web(1).reports(0, 0, 0));
  controller.write_refused(rs->key(), api::create(web_pod("web-x", rs)),
                           api::forbidden(api::Kind::pods, "web-x", "exceeded quota"));
  const Plan plan = world.reconcile(controller, rs);
  const PlannedWrite* write = find_write(plan, "update/status");
  ASSERT_THAT(write, NotNull());
  const auto& failed = body<api::ReplicaSet>(*write);
  ASSERT_EQ(failed.status().conditions_size(), 1);
  EXPECT_EQ(failed.status().conditions(0).type(), "ReplicaFailure");
  EXPECT_EQ(failed.status().conditions(0).reason(), "FailedCreate");
  EXPECT_THAT(failed.status().conditions(0).message(), ::testing::HasSubstr("exceeded quota"));

  rs = world.put(api::make_object(failed));
  world.put(web_pod("web-a", rs).ready());
  const Plan healed = world.reconcile(controller, rs);
  ASSERT_THAT(describe(healed), ElementsAre("update/status replicasets web"));
  EXPECT_EQ(body<api::ReplicaSet>(healed.writes[0]).status().conditions_size(), 0);
}

TEST(ReplicaSet, ARefusedDeleteIsNotCalledAFailureToCreate) {
  World world;
  ReplicaSetController controller;
  auto rs = world.put(web(0).reports(1, 1, 1));
  const auto stuck = world.put(web_pod("web-a", rs).ready());
  const auto refuse = [&](const api::Request& request) {
    controller.write_refused(rs->key(), request,
                             api::forbidden(api::Kind::pods, "web-a", "not now"));
  };
  refuse(api::update_status(rs));
  EXPECT_THAT(find_write(world.reconcile(controller, rs), "update/status"), ::testing::IsNull())
      << "a refusal of anything else says nothing about pods";
  refuse(api::remove(*stuck));
  const Plan plan = world.reconcile(controller, rs);
  const PlannedWrite* write = find_write(plan, "update/status");
  ASSERT_THAT(write, NotNull());
  const auto& failed = body<api::ReplicaSet>(*write);
  ASSERT_EQ(failed.status().conditions_size(), 1);
  EXPECT_EQ(failed.status().conditions(0).type(), "ReplicaFailure");
  EXPECT_EQ(failed.status().conditions(0).reason(), "FailedDelete");

  rs = world.put(api::make_object(failed));
  world.erase(stuck);
  const Plan healed = world.reconcile(controller, rs);
  ASSERT_THAT(describe(healed), ElementsAre("update/status replicasets web"));
  EXPECT_EQ(body<api::ReplicaSet>(healed.writes[0]).status().conditions_size(), 0);
}

TEST(ReplicaSet, OnlyChangesThatMatterWakeIt) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(web(1));
  const api::ObjectPtr plain = web_pod("web-a", rs).not_ready();
  const api::ObjectPtr with_ip = web_pod("web-a", rs).not_ready().ip("10.0.0.1");
  const api::ObjectPtr up = web_pod("web-a", rs).ready();
  const api::ObjectPtr released = pod("web-a").label("app", "web").not_ready();
  EXPECT_THAT(world.keys(controller, plain, with_ip), IsEmpty());
  EXPECT_THAT(world.keys(controller, plain, up), ElementsAre("replicasets default/web"));
  EXPECT_THAT(world.keys(controller, plain, nullptr), ElementsAre("replicasets default/web"));
  EXPECT_THAT(world.keys(controller, plain, released), ElementsAre("replicasets default/web"));
  EXPECT_THAT(world.keys(controller, nullptr, pod("stray").label("app", "web")),
              ElementsAre("replicasets default/web"));
  EXPECT_THAT(world.keys(controller, nullptr, pod("stray").label("app", "db")), IsEmpty());
}

// RS-3: each rule decides when all above it are equal.
TEST(Victims, AreRankedByRule) {
  const std::map<std::string, int> related{{"n1", 1}, {"n2", 3}};
  const auto first = [&](const PodBuilder& a, const PodBuilder& b) {
    for (const bool swap : {false, true}) {
      std::vector<PodRef> pods{a, b};
      if (swap) std::swap(pods[0], pods[1]);
      const auto victims = choose_victims(pods, 1, related);
      EXPECT_EQ(victims.size(), 1u);
      EXPECT_EQ(victims[0].name(), a.message().metadata().name());
    }
  };
  const auto base = [](const std::string& name) {
    return pod(name).on("n1").ready(100).created(50);
  };
  first(pod("unassigned").phase("Pending"), pod("assigned").on("n1").phase("Pending"));
  first(pod("pending").on("n1").phase("Pending"), pod("unknown").on("n1").phase("Unknown"));
  first(pod("unknown").on("n1").phase("Unknown"), pod("running").on("n1").not_ready());
  first(pod("unready").on("n1").not_ready().annotation("controller.kubernetes.io/pod-deletion-cost",
                                                       "100"),
        base("ready").on("n2"));
  first(base("cheap").annotation("controller.kubernetes.io/pod-deletion-cost", "-5"),
        base("dear").on("n2"));
  first(base("crowded").on("n2").ready(10), base("lonely").ready(100));
  first(base("shorter").ready(100), base("longer").ready(90));
  first(base("restarted").restarts(2), base("calm").created(60));
  first(base("newer").created(60), base("older").created(50));
  first(base("b-name").created(60), base("a-name").created(50));
  first(base("a-name"), base("b-name"));
}

TEST(ReplicaSet, ScaleDownPrefersNodesWhereTheWorkloadIsCrowded) {
  World world;
  ReplicaSetController controller;
  const auto owner = world.put(deployment("web").selects("app", "web"));
  const auto old = world.put(replica_set("web-old").selects("app", "web").replicas(2).owner(owner));
  const auto rs = world.put(web(1).owner(owner).reports(2, 2, 2));
  world.put(web_pod("old-a", old).on("n1").ready());
  world.put(web_pod("old-b", old).on("n1").ready());
  world.put(web_pod("web-a", rs).on("n1").ready(10));
  world.put(web_pod("web-b", rs).on("n2").ready(20));
  EXPECT_THAT(deleted(world.reconcile(controller, rs)), ElementsAre("web-a"));
}

}  // namespace
}  // namespace keelson::controllers
