// Pure tests of the deployment controller: a view in, a plan out.
#include "core/controllers/deployment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/api/json.hpp"
#include "core/base/seeded_bug.hpp"
#include "core/controllers/rollout.hpp"
#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::NotNull;

class DeploymentTest : public ::testing::Test {
 protected:
  static DeploymentBuilder web(int32_t replicas, const std::string& image = "nginx:2") {
    auto builder = deployment("web");
    builder.replicas(replicas).selects("app", "web").image(image);
    return builder.annotation(std::string(kRevision), "2");
  }
  // A ReplicaSet as this controller makes it. The new one has image nginx:2.
  ReplicaSetBuilder set(const std::string& name, const std::string& image, int32_t replicas,
                        int revision, int32_t desired, int32_t most) {
    return replica_set(name)
        .replicas(replicas)
        .selects("app", "web")
        .selects("pod-template-hash", name)
        .image(image)
        .label("app", "web")
        .owner(web(1).object())
        .created(revision)
        .annotation(std::string(kRevision), std::to_string(revision))
        .annotation(std::string(kDesiredReplicas), std::to_string(desired))
        .annotation(std::string(kMaxReplicas), std::to_string(most));
  }
  Plan plan(const api::ObjectPtr& object) { return world.reconcile(controller, object); }
  // New sizes by name, of the ReplicaSets that the plan resizes.
  static std::map<std::string, int32_t> sizes(const Plan& plan) {
    std::map<std::string, int32_t> found;
    for (const auto& write : plan.writes) {
      if (write.request.kind == api::Kind::replica_sets &&
          write.request.verb == api::Verb::update) {
        found[write.request.name] = body<api::ReplicaSet>(write).spec().replicas();
      }
    }
    return found;
  }
  static const api::DeploymentCondition* condition(const Plan& plan, const std::string& type) {
    const PlannedWrite* write = find_write(plan, "update/status deployments");
    if (!write) return nullptr;
    for (const auto& c : body<api::Deployment>(*write).status().conditions()) {
      if (c.type() == type) return &c;
    }
    return nullptr;
  }
  using Sizes = std::map<std::string, int32_t>;

  World world;
  DeploymentController controller;
};

TEST_F(DeploymentTest, CreatesAReplicaSetAsKubernetesDoes) {
  const auto object =
      world.put(deployment("web")
                    .replicas(3)
                    .selects("app", "web")
                    .image("nginx:1")
                    .min_ready(7)
                    .annotation("kubernetes.io/change-cause", "first")
                    .annotation("kubectl.kubernetes.io/last-applied-configuration", "{}"));
  const Plan made = plan(object);
  ASSERT_THAT(describe(made), ElementsAre(::testing::StartsWith("create replicasets web-"),
                                          "update/status deployments web"));
  EXPECT_LT(made.writes[0].stage, made.writes[1].stage);
  const auto& rs = body<api::ReplicaSet>(made.writes[0]);
  const std::string hash = rs.metadata().labels().at("pod-template-hash");
  EXPECT_THAT(hash, MatchesRegex("[bcdfghjklmnpqrstvwxz2456789]+"));
  EXPECT_EQ(rs.metadata().name(), "web-" + hash);
  EXPECT_EQ(rs.metadata().labels().at("app"), "web");
  EXPECT_EQ(rs.spec().replicas(), 3);
  EXPECT_EQ(rs.spec().min_ready_seconds(), 7);
  EXPECT_EQ(rs.spec().selector().match_labels().at("pod-template-hash"), hash);
  EXPECT_EQ(rs.spec().selector().match_labels().at("app"), "web");
  EXPECT_EQ(rs.spec().template_().metadata().labels().at("pod-template-hash"), hash);
  const auto& annotations = rs.metadata().annotations();
  EXPECT_EQ(annotations.at("deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ(annotations.at("deployment.kubernetes.io/desired-replicas"), "3");
  EXPECT_EQ(annotations.at("deployment.kubernetes.io/max-replicas"), "4") << "25% of 3, rounded up";
  EXPECT_EQ(annotations.at("kubernetes.io/change-cause"), "first");
  EXPECT_FALSE(annotations.contains("kubectl.kubernetes.io/last-applied-configuration"));
  EXPECT_EQ(rs.metadata().owner_references(0).uid(), object->uid());
  EXPECT_EQ(made.writes[0].on_success->message,
            "Scaled up replica set web-" + hash + " from 0 to 3");
  EXPECT_EQ(made.writes[0].on_success->reason, "ScalingReplicaSet");
  ASSERT_THAT(condition(made, "Progressing"), NotNull());
  EXPECT_EQ(condition(made, "Progressing")->reason(), "NewReplicaSetCreated");
  EXPECT_EQ(condition(made, "Progressing")->message(),
            "Created new replica set \"web-" + hash + "\"");
  EXPECT_EQ(condition(made, "Available")->reason(), "MinimumReplicasUnavailable");
}

TEST_F(DeploymentTest, HashIsStableAndIgnoresItsOwnLabel) {
  api::PodTemplateSpec a = web(1).message().spec().template_();
  api::PodTemplateSpec b = a;
  (*b.mutable_metadata()->mutable_labels())["pod-template-hash"] = "x";
  EXPECT_TRUE(same_template(a, b));
  EXPECT_EQ(template_hash(a, 0), template_hash(b, 0));
  EXPECT_NE(template_hash(a, 0), template_hash(a, 1)) << "collisions get another name";
  b.mutable_spec()->mutable_containers(0)->set_image("nginx:3");
  EXPECT_FALSE(same_template(a, b));
  EXPECT_NE(template_hash(a, 0), template_hash(b, 0));
}

// Nobody should, but the API lets people edit the template of a ReplicaSet.
TEST_F(DeploymentTest, AnEditedTemplateOfAReplicaSetIsSeen) {
  api::ReplicaSet rs;
  rs.mutable_metadata()->set_uid("u");
  rs.mutable_metadata()->set_generation(1);
  *rs.mutable_spec()->mutable_template_() = web(1).message().spec().template_();
  TemplateMemo templates;
  const std::string before = templates.of(RsRef(api::make_object(rs)));
  rs.mutable_metadata()->set_generation(2);
  rs.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("x:9");
  EXPECT_NE(templates.of(RsRef(api::make_object(rs))), before);
}

TEST_F(DeploymentTest, ATakenNameCountsAsACollision) {
  const auto object = world.put(web(3));
  const std::string hash = template_hash(web(3).message().spec().template_(), 0);
  world.put(replica_set("web-" + hash).selects("app", "other"));
  const Plan made = plan(object);
  ASSERT_THAT(describe(made), ElementsAre("update/status deployments web"));
  EXPECT_EQ(body<api::Deployment>(made.writes[0]).status().collision_count(), 1);

  const auto again = world.put(api::make_object(body<api::Deployment>(made.writes[0])));
  EXPECT_EQ(describe(plan(again))[0],
            "create replicasets web-" + template_hash(web(3).message().spec().template_(), 1));
}

TEST_F(DeploymentTest, RollingUpdateGrowsWithinTheSurge) {
  const auto object = world.put(web(10).surge(3).unavailable(2));
  world.put(set("old", "nginx:1", 10, 1, 10, 13).reports(10, 10, 10));
  world.put(set("new", "nginx:2", 0, 2, 10, 13).reports(0, 0, 0));
  const Plan made = plan(object);
  EXPECT_EQ(sizes(made), (Sizes{{"new", 3}}));
  const PlannedWrite* write = find_write(made, "update replicasets new");
  EXPECT_EQ(write->on_success->message, "Scaled up replica set new from 0 to 3");
  EXPECT_TRUE(write->request.expected.revision.has_value());
}

TEST_F(DeploymentTest, OldPodsGoOnlyAsFarAsAvailabilityAllows) {
  const auto object = world.put(web(10).surge(3).unavailable(2));
  world.put(set("new", "nginx:2", 3, 2, 10, 13).reports(3, 0, 0));
  const auto old = world.put(set("old", "nginx:1", 10, 1, 10, 13).reports(10, 10, 10));
  Plan made = plan(object);
  EXPECT_EQ(sizes(made), (Sizes{{"old", 8}}));
  EXPECT_EQ(find_write(made, "update replicasets old")->on_success->message,
            "Scaled down replica set old from 10 to 8");
  // The status of the old set still says 10 available. That is the past.
  world.put(set("old", "nginx:1", 8, 1, 10, 13).reports(10, 10, 10));
  world.put(set("new", "nginx:2", 5, 2, 10, 13).reports(5, 5, 5));
  made = plan(object);
  EXPECT_EQ(sizes(made), (Sizes{{"old", 3}})) << "13 pods, 8 must stay";
}

TEST_F(DeploymentTest, UnavailableOldPodsGoFirst) {
  const auto object =
      world.put(web(10).surge(2).unavailable(2).annotation(std::string(kRevision), "3"));
  world.put(set("new", "nginx:2", 2, 3, 10, 12).reports(2, 0, 0));
  world.put(set("mid", "nginx:1.5", 5, 2, 10, 12).reports(5, 1, 1));
  world.put(set("old", "nginx:1", 5, 1, 10, 12).reports(5, 5, 5));
  // 12 in all, 8 must stay, 2 new ones are not available: 2 may go, and 4 of mid serve nobody.
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"mid", 3}}));
}

TEST_F(DeploymentTest, TakesNoStepOnAStatusOfAnEarlierSize) {
  const auto object = world.put(web(10).surge(3).unavailable(2));
  world.put(set("old", "nginx:1", 10, 1, 10, 13).reports(10, 10, 10));
  // Was small, is large again; what it reports is from before.
  world.put(set("new", "nginx:2", 3, 2, 10, 13).reports(3, 3, 3).generation(2));
  EXPECT_EQ(sizes(plan(object)), Sizes{});
  world.put(set("new", "nginx:2", 3, 2, 10, 13).generation(2).reports(3, 3, 3));
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"old", 5}}));
}

TEST_F(DeploymentTest, PodsThatWereGivenUpButStillRunTakeUpRoom) {
  const auto object = world.put(web(10).surge(3).unavailable(2));
  world.put(set("old", "nginx:1", 8, 1, 10, 13).reports(10, 10, 10));
  world.put(set("new", "nginx:2", 3, 2, 10, 13).reports(3, 0, 0));
  EXPECT_EQ(sizes(plan(object)), Sizes{});
  world.put(set("old", "nginx:1", 8, 1, 10, 13).reports(8, 8, 8));
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"new", 5}}));
}

TEST_F(DeploymentTest, ABrokenNewTemplateStopsTheRollout) {
  const auto object = world.put(web(4).surge(1).unavailable(1));
  world.put(set("new", "nginx:2", 2, 2, 4, 5).reports(2, 0, 0));
  world.put(set("old", "nginx:1", 3, 1, 4, 5).reports(3, 3, 3));
  EXPECT_EQ(sizes(plan(object)), Sizes{});
}

#ifdef KEELSON_SEEDED_BUGS
TEST_F(DeploymentTest, TheSeededBugScalesDownTooFar) {
  active_seeded_bug = SeededBug::rollout_no_new_unavailable;
  const auto object = world.put(web(4).surge(1).unavailable(1));
  world.put(set("new", "nginx:2", 2, 2, 4, 5).reports(2, 0, 0));
  world.put(set("old", "nginx:1", 3, 1, 4, 5).reports(3, 1, 1));  // a node was lost
  const Plan made = plan(object);
  active_seeded_bug = SeededBug::none;
  EXPECT_EQ(sizes(made), (Sizes{{"old", 1}}));
  EXPECT_EQ(sizes(plan(object)), Sizes{});
}
#endif

TEST_F(DeploymentTest, PercentagesThatRoundToNothingAllowOneUnavailable) {
  const auto object = world.put(web(3).surge("0%").unavailable("10%"));
  world.put(set("new", "nginx:2", 0, 2, 3, 3).reports(0, 0, 0));
  world.put(set("old", "nginx:1", 3, 1, 3, 3).reports(3, 3, 3));
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"old", 2}}));
}

TEST_F(DeploymentTest, UndoReusesTheOldReplicaSetUnderANewRevision) {
  const auto object = world.put(web(3, "nginx:1").annotation("kubernetes.io/change-cause", "undo"));
  world.put(set("old", "nginx:1", 0, 1, 3, 4).reports(0, 0, 0));
  world.put(set("new", "nginx:2", 3, 2, 3, 4).reports(3, 3, 3));
  const Plan made = plan(object);
  ASSERT_THAT(describe(made), ElementsAre("update replicasets old", "update deployments web"));
  const auto& rs = body<api::ReplicaSet>(made.writes[0]);
  EXPECT_EQ(rs.metadata().annotations().at("deployment.kubernetes.io/revision"), "3");
  EXPECT_EQ(rs.metadata().annotations().at("deployment.kubernetes.io/revision-history"), "1");
  EXPECT_EQ(rs.metadata().annotations().at("kubernetes.io/change-cause"), "undo");
  EXPECT_EQ(body<api::Deployment>(made.writes[1])
                .metadata()
                .annotations()
                .at("deployment.kubernetes.io/revision"),
            "3");
}

TEST_F(DeploymentTest, TheRevisionHistoryKeepsItsNewestTwoThousandCharacters) {
  const auto object = world.put(web(3, "nginx:1"));
  std::string history;
  for (int i = 100; i < 600; ++i) history += (i > 100 ? "," : "") + std::to_string(i);
  world.put(set("old", "nginx:1", 0, 601, 3, 4)
                .annotation(std::string(kRevisionHistory), history)
                .reports(0, 0, 0));
  world.put(set("new", "nginx:2", 3, 602, 3, 4).reports(3, 3, 3));
  const Plan made = plan(object);
  const auto& kept = body<api::ReplicaSet>(made.writes.at(0))
                         .metadata()
                         .annotations()
                         .at("deployment.kubernetes.io/revision-history");
  EXPECT_EQ(kept.size(), 1999u);
  EXPECT_TRUE(kept.starts_with("101,102,")) << kept.substr(0, 20);
  EXPECT_TRUE(kept.ends_with(",599,601"));
}

// Whoever may write a ReplicaSet may write its annotations and its size.
TEST_F(DeploymentTest, SurvivesAnnotationsAndSizesAtTheEndOfTheirRange) {
  const auto object = world.put(web(INT32_MAX).surge("100%"));
  const std::string most = std::to_string(INT64_MAX);
  world.put(set("old", "nginx:1", INT32_MAX, 1, INT32_MAX, INT32_MAX)
                .annotation(std::string(kRevision), most)
                .annotation(std::string(kMaxReplicas), most)
                .reports(INT32_MAX, INT32_MAX, INT32_MAX));
  auto current = set("new", "nginx:2", INT32_MAX, 2, 7, INT32_MAX)
                     .annotation(std::string(kMaxReplicas), most)
                     .reports(INT32_MAX, INT32_MAX, INT32_MAX);
  current.with([](api::ReplicaSet& rs) {
    rs.mutable_metadata()->mutable_annotations()->erase(std::string(kRevision));
  });
  world.put(current);
  Plan made = plan(object);
  ASSERT_THAT(find_write(made, "update replicasets new"), NotNull());
  const auto named = world.put(
      api::make_object(body<api::ReplicaSet>(*find_write(made, "update replicasets new"))));
  EXPECT_EQ(revision_of(named->meta()), INT64_MAX);
  made = plan(world.put(web(INT32_MAX).surge("100%").annotation(std::string(kRevision), most)));
  EXPECT_EQ(sizes(made).size(), 2u) << "a change of spec.replicas is shared out";
}

TEST_F(DeploymentTest, OfSeveralMatchingSetsTheOldestIsCurrent) {
  const auto object = world.put(web(3));
  world.put(set("twin-a", "nginx:2", 1, 2, 3, 4).created(9).reports(1, 1, 1));
  world.put(set("twin-b", "nginx:2", 2, 2, 3, 4).created(5).reports(2, 2, 2));
  TemplateMemo templates;
  const auto rollout =
      make_rollout(world.view(), api::Ref<api::Deployment>(object), templates);
  EXPECT_EQ(rollout.current.name(), "twin-b");
}

TEST_F(DeploymentTest, AScaleDuringARolloutIsSharedInProportion) {
  const auto object = world.put(web(20).surge(5).unavailable(2));
  world.put(set("new", "nginx:2", 5, 2, 10, 15).reports(5, 5, 5));
  world.put(set("old", "nginx:1", 10, 1, 10, 15).reports(10, 10, 10));
  const Plan made = plan(object);
  // 15 become 25: 5 and 10 grow by 5/3; the largest takes what rounding leaves.
  EXPECT_EQ(sizes(made), (Sizes{{"new", 8}, {"old", 17}}));
  for (const char* name : {"new", "old"}) {
    const auto& rs =
        body<api::ReplicaSet>(*find_write(made, std::string("update replicasets ") + name));
    EXPECT_EQ(rs.metadata().annotations().at("deployment.kubernetes.io/desired-replicas"), "20");
    EXPECT_EQ(rs.metadata().annotations().at("deployment.kubernetes.io/max-replicas"), "25");
  }
}

TEST_F(DeploymentTest, ScalingToZeroEmptiesEverySet) {
  const auto object = world.put(web(0).surge(5).unavailable(2));
  world.put(set("new", "nginx:2", 5, 2, 10, 15).reports(5, 5, 5));
  world.put(set("old", "nginx:1", 10, 1, 10, 15).reports(10, 10, 10));
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"new", 0}, {"old", 0}}));
}

TEST_F(DeploymentTest, PausedDoesNotRollButScalesAndSaysSo) {
  auto object = world.put(web(3).paused());
  world.put(set("new", "nginx:2", 0, 2, 3, 4).reports(0, 0, 0));
  world.put(set("old", "nginx:1", 3, 1, 3, 4).reports(3, 3, 3));
  Plan made = plan(object);
  EXPECT_EQ(sizes(made), Sizes{});
  ASSERT_THAT(condition(made, "Progressing"), NotNull());
  EXPECT_EQ(condition(made, "Progressing")->status(), "Unknown");
  EXPECT_EQ(condition(made, "Progressing")->reason(), "DeploymentPaused");
  EXPECT_EQ(condition(made, "Progressing")->message(), "Deployment is paused");

  auto paused = web(5).paused();
  paused.with([&](api::Deployment& d) {
    *d.mutable_status() = body<api::Deployment>(*find_write(made, "update/status")).status();
  });
  object = world.put(paused);
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"old", 5}}));

  auto resumed = paused;
  object = world.put(resumed.replicas(3).paused(false));
  made = plan(object);
  EXPECT_EQ(sizes(made), (Sizes{{"new", 1}}));
  EXPECT_EQ(condition(made, "Progressing")->reason(), "DeploymentResumed");
}

TEST_F(DeploymentTest, WithoutATemplatesSetPausedCreatesNone) {
  const auto object = world.put(web(3, "nginx:9").paused());
  world.put(set("old", "nginx:1", 3, 1, 3, 4).reports(3, 3, 3));
  EXPECT_THAT(find_write(plan(object), "create"), ::testing::IsNull());
}

TEST_F(DeploymentTest, RecreateWaitsForTheLastOldPod) {
  const auto object = world.put(web(3).strategy("Recreate"));
  world.put(set("old", "nginx:1", 3, 1, 3, 3).reports(3, 3, 3));
  EXPECT_EQ(sizes(plan(object)), (Sizes{{"old", 0}}));

  // Scaled to nothing, but its controller has not said so yet.
  auto old = set("old", "nginx:1", 0, 1, 3, 3).generation(2);
  const api::ObjectPtr unreported = old;
  world.put(unreported);
  EXPECT_THAT(find_write(plan(object), "create"), ::testing::IsNull());

  const auto reported = world.put(old.reports(0, 0, 0));
  const auto last = world.put(pod("old-a").label("app", "web").owner(reported).ready().deleting());
  EXPECT_THAT(find_write(plan(object), "create"), ::testing::IsNull()) << "it still runs";
  EXPECT_THAT(world.keys(controller, last, nullptr), ElementsAre("deployments default/web"));
  world.put(pod("old-a").label("app", "web").owner(reported).phase("Unknown").deleting());
  EXPECT_THAT(find_write(plan(object), "create"), ::testing::IsNull()) << "nobody knows its end";
  world.erase(last);
  const Plan made = plan(object);
  const PlannedWrite* create = find_write(made, "create replicasets");
  ASSERT_THAT(create, NotNull());
  EXPECT_EQ(body<api::ReplicaSet>(*create).spec().replicas(), 3);
}

TEST_F(DeploymentTest, ACompleteRolloutIsReportedAndOldHistoryForgotten) {
  auto builder = web(2).generation(5);
  builder.with([](api::Deployment& d) { d.mutable_spec()->set_revision_history_limit(1); });
  auto object = world.put(builder.annotation(std::string(kRevision), "9"));
  world.put(set("a", "nginx:0.1", 0, 1, 2, 3).reports(0, 0, 0));
  world.put(set("b", "nginx:0.2", 0, 2, 2, 3).generation(3).reports(0, 0, 0).generation(4));
  world.put(set("c", "nginx:0.3", 0, 3, 2, 3).reports(0, 0, 0));
  world.put(set("new", "nginx:2", 2, 9, 2, 3).reports(2, 2, 2));
  Plan made = plan(object);
  ASSERT_THAT(condition(made, "Progressing"), NotNull());
  EXPECT_EQ(condition(made, "Progressing")->reason(), "NewReplicaSetAvailable");
  EXPECT_EQ(condition(made, "Progressing")->message(),
            "ReplicaSet \"new\" has successfully progressed.");
  EXPECT_EQ(condition(made, "Available")->reason(), "MinimumReplicasAvailable");
  builder.with([&](api::Deployment& d) {
    *d.mutable_status() = body<api::Deployment>(*find_write(made, "update/status")).status();
  });
  object = world.put(builder);
  made = plan(object);
  // Of three old ones, the two with the lowest revisions could go; b's controller has not caught
  // up.
  ASSERT_THAT(describe(made), ElementsAre("delete replicasets a"));
  EXPECT_EQ(made.writes[0].request.expected.uid, "uid-a");
  EXPECT_TRUE(made.writes[0].request.expected.revision.has_value());
}

TEST_F(DeploymentTest, StatusSumsUp) {
  const auto object = world.put(web(10).surge(3).unavailable(2).generation(7));
  world.put(set("new", "nginx:2", 5, 2, 10, 13).reports(5, 4, 3));
  world.put(set("old", "nginx:1", 8, 1, 10, 13).reports(7, 6, 5));
  const Plan made = plan(object);
  const PlannedWrite* write = find_write(made, "update/status deployments");
  ASSERT_THAT(write, NotNull());
  const auto& status = body<api::Deployment>(*write).status();
  EXPECT_EQ(status.observed_generation(), 7);
  EXPECT_EQ(status.replicas(), 12);
  EXPECT_EQ(status.updated_replicas(), 5);
  EXPECT_EQ(status.ready_replicas(), 10);
  EXPECT_EQ(status.available_replicas(), 8);
  EXPECT_EQ(status.unavailable_replicas(), 5);
}

// --- Progress
// ----------------------------------------------------------------------------------------

class ProgressTest : public DeploymentTest {
 protected:
  ProgressTest() { builder.surge(0).unavailable(1); }
  // One reconcile; the status that it writes becomes the deployment's.
  Plan step() {
    const Plan made = plan(world.put(builder));
    if (const PlannedWrite* write = find_write(made, "update/status deployments")) {
      const api::DeploymentStatus status = body<api::Deployment>(*write).status();
      builder.with([&](api::Deployment& d) { *d.mutable_status() = status; });
    }
    return made;
  }
  std::string reason() const {
    for (const auto& c : builder.message().status().conditions()) {
      if (c.type() == "Progressing") return c.reason();
    }
    return "";
  }
  void new_set(int32_t size, int32_t available) {
    world.put(set("new", "nginx:2", size, 2, 2, 2).reports(size, available, available));
  }
  DeploymentBuilder builder = web(2);
};

TEST_F(ProgressTest, TheDeadlineIsReportedWithoutAnyEvent) {
  world.put(set("old", "nginx:1", 1, 1, 2, 2).reports(1, 1, 1));
  new_set(1, 0);
  step();
  const Plan waiting = step();
  EXPECT_GT(waiting.requeue_after, 590s);
  EXPECT_LE(waiting.requeue_after, 600s);
  world.pass(599s);
  const Plan almost = step();
  EXPECT_NE(reason(), "ProgressDeadlineExceeded");
  world.pass(almost.requeue_after);
  step();
  EXPECT_EQ(reason(), "ProgressDeadlineExceeded");
  for (const auto& c : builder.message().status().conditions()) {
    if (c.type() != "Progressing") continue;
    EXPECT_EQ(c.status(), "False");
    EXPECT_EQ(c.message(), "ReplicaSet \"new\" has timed out progressing.");
  }
  EXPECT_EQ(step().requeue_after, Duration::zero());
  new_set(1, 1);  // it gets there after all
  step();
  EXPECT_EQ(reason(), "ReplicaSetUpdated");
}

TEST_F(ProgressTest, ProgressStartsTheDeadlineAnew) {
  world.put(set("old", "nginx:1", 1, 1, 2, 2).reports(1, 1, 1));
  new_set(1, 0);
  step();
  world.pass(500s);
  new_set(1, 1);
  step();
  EXPECT_EQ(reason(), "ReplicaSetUpdated");
  world.pass(500s);
  step();
  EXPECT_EQ(reason(), "ReplicaSetUpdated");
}

TEST_F(ProgressTest, AStepOfTheWallClockChangesNothing) {
  world.put(set("old", "nginx:1", 1, 1, 2, 2).reports(1, 1, 1));
  new_set(1, 0);
  step();
  step();
  world.wall.unix_ns += Duration(24h).count();
  world.now += 10s;
  step();
  EXPECT_NE(reason(), "ProgressDeadlineExceeded");
}

// k8s#49637: the condition of the rollout before must not judge this one.
TEST_F(ProgressTest, ANewRolloutDoesNotInheritTheOldVerdict) {
  world.put(set("old", "nginx:1", 2, 1, 2, 2).reports(2, 2, 2));
  builder.with([](api::Deployment& d) {
    auto* c = d.mutable_status()->add_conditions();
    c->set_type("Progressing");
    c->set_status("False");
    c->set_reason("ProgressDeadlineExceeded");
    c->set_message("ReplicaSet \"old\" has timed out progressing.");
    c->mutable_last_update_time()->set_seconds(1);
    d.mutable_status()->set_replicas(2);
    d.mutable_status()->set_ready_replicas(2);
    d.mutable_status()->set_available_replicas(2);
  });
  new_set(0, 0);
  step();
  EXPECT_EQ(reason(), "FoundNewReplicaSet");
}

TEST_F(ProgressTest, ACompletedRolloutIsNeverTimedOutByLaterTrouble) {
  new_set(2, 2);
  step();
  EXPECT_EQ(reason(), "NewReplicaSetAvailable");
  new_set(2, 0);
  step();
  world.pass(2h);
  step();
  EXPECT_EQ(reason(), "NewReplicaSetAvailable");
}

TEST_F(ProgressTest, PausingStopsTheClock) {
  world.put(set("old", "nginx:1", 1, 1, 2, 2).reports(1, 1, 1));
  new_set(1, 0);
  step();
  builder.paused();
  step();
  world.pass(2h);
  step();
  EXPECT_EQ(reason(), "DeploymentPaused");
  builder.paused(false);
  step();
  EXPECT_EQ(reason(), "DeploymentResumed");
  world.pass(599s);
  step();
  EXPECT_EQ(reason(), "DeploymentResumed");
}

TEST_F(ProgressTest, AFailureToCreatePodsShows) {
  world.put(set("old", "nginx:1", 1, 1, 2, 2).reports(1, 1, 1));
  auto failing = set("new", "nginx:2", 1, 2, 2, 2).reports(0, 0, 0);
  failing.with([](api::ReplicaSet& rs) {
    auto* c = rs.mutable_status()->add_conditions();
    c->set_type("ReplicaFailure");
    c->set_status("True");
    c->set_reason("FailedCreate");
    c->set_message("pods is forbidden: exceeded quota");
  });
  world.put(failing);
  const Plan made = plan(world.put(builder));
  ASSERT_THAT(condition(made, "ReplicaFailure"), NotNull());
  EXPECT_EQ(condition(made, "ReplicaFailure")->message(), "pods is forbidden: exceeded quota");
}

TEST_F(ProgressTest, ARefusedReplicaSetShowsUntilItIsTaken) {
  const auto creation = [](const Plan& made) { return find_write(made, "create replicasets"); };
  Plan made = plan(world.put(builder));
  ASSERT_THAT(creation(made), NotNull());
  api::Request refused = creation(made)->request;
  refused.name = body<api::ReplicaSet>(*creation(made)).metadata().name();
  controller.write_refused({api::Kind::deployments, "default", "web"}, refused,
                           api::forbidden(api::Kind::replica_sets, refused.name, "exceeded quota"));
  made = step();
  EXPECT_THAT(creation(made), ::testing::IsNull()) << "first it is said";
  ASSERT_THAT(condition(made, "Progressing"), NotNull());
  EXPECT_EQ(condition(made, "Progressing")->status(), "False");
  EXPECT_EQ(condition(made, "Progressing")->reason(), "ReplicaSetCreateError");
  EXPECT_THAT(condition(made, "Progressing")->message(),
              ::testing::StartsWith("Failed to create new replica set \"" + refused.name + "\": "));
  EXPECT_THAT(condition(made, "Progressing")->message(), HasSubstr("exceeded quota"));
  made = step();
  ASSERT_THAT(creation(made), NotNull()) << "then it is tried again";
  EXPECT_EQ(reason(), "NewReplicaSetCreated") << "what is written if that succeeds";

  // And if the answer to that is lost, the set that is there speaks for itself.
  new_set(2, 0);
  builder.with([](api::Deployment& d) {
    auto* c = d.mutable_status()->mutable_conditions(1);
    ASSERT_EQ(c->type(), "Progressing");
    c->set_status("False");
    c->set_reason("ReplicaSetCreateError");
    c->set_message("Failed to create new replica set \"new\": exceeded quota");
  });
  step();
  EXPECT_EQ(reason(), "ReplicaSetUpdated");
}

TEST_F(ProgressTest, AnOldSetThatGetsPodsByHandDoesNotTimeACompleteRolloutOut) {
  new_set(2, 2);
  step();
  EXPECT_EQ(reason(), "NewReplicaSetAvailable");
  // Its controller does not report on the new size, so that the rollout cannot take it back.
  world.put(set("old", "nginx:1", 1, 1, 2, 2).reports(1, 0, 0).generation(9));
  step();
  world.pass(2h);
  step();
  EXPECT_NE(reason(), "ProgressDeadlineExceeded");
}

// --- Ownership and undo
// ------------------------------------------------------------------------------

TEST_F(DeploymentTest, AdoptsAndReleasesReplicaSets) {
  const auto object = world.put(web(3));
  world.put(replica_set("stray").selects("app", "web").label("app", "web"));
  world.put(replica_set("lost").selects("app", "db").label("app", "db").owner(object));
  const Plan made = plan(object);
  ASSERT_THAT(describe(made), ElementsAre("update replicasets lost", "update replicasets stray"));
  EXPECT_EQ(body<api::ReplicaSet>(made.writes[0]).metadata().owner_references_size(), 0);
  EXPECT_EQ(body<api::ReplicaSet>(made.writes[1]).metadata().owner_references(0).uid(), "uid-web");
  ASSERT_EQ(made.writes[1].checks.size(), 1u);
  EXPECT_EQ(made.writes[1].checks[0].expect, LiveCheck::Expect::present);
}

TEST_F(DeploymentTest, WhileBeingDeletedItLetsNothingGo) {
  const auto object = world.put(web(3).deleting());
  world.put(replica_set("lost").selects("app", "db").label("app", "db").owner(object));
  EXPECT_THAT(find_write(plan(object), "update replicasets"), ::testing::IsNull())
      << "it goes with its owner";
}

TEST_F(DeploymentTest, WhileBeingDeletedOnlyReports) {
  const auto object = world.put(web(3, "nginx:7").deleting());
  world.put(set("old", "nginx:1", 3, 1, 3, 4).reports(3, 3, 3));
  EXPECT_THAT(describe(plan(object)), ElementsAre("update/status deployments web"));
}

TEST_F(DeploymentTest, RollbackBringsBackTheAnnotationsOfTheRevision) {
  const auto with = [&](auto builder, const char* name, const char* value) {
    return builder.annotation(name, value);
  };
  const api::Ref<api::Deployment> object(
      world.put(with(web(3).annotation("kubernetes.io/change-cause", "the mistake"),
                     "kubectl.kubernetes.io/last-applied-configuration", "{}")));
  world.put(with(set("b", "nginx:0.2", 0, 2, 3, 4), "example.com/owner", "team-b"));
  world.put(set("new", "nginx:2", 3, 3, 3, 4));
  const auto previous = rollback_to(world.view(), object, 0);
  ASSERT_TRUE(previous.ok()) << previous.error().message;
  EXPECT_THAT(previous->patch,
              HasSubstr(R"({"op":"add","path":"/metadata/annotations","value":{)"
                        R"("deployment.kubernetes.io/revision":"2","example.com/owner":"team-b",)"
                        R"("kubectl.kubernetes.io/last-applied-configuration":"{}"}})"))
      << "a cause that the revision does not have would be told of it from now on";
}

TEST_F(DeploymentTest, RollbackPatchesTheTemplateOfTheRevision) {
  const api::Ref<api::Deployment> object(world.put(web(3)));
  world.put(
      set("a", "nginx:0.1", 0, 1, 3, 4).annotation("kubernetes.io/change-cause", "say \"a\""));
  world.put(set("b", "nginx:0.2", 0, 2, 3, 4));
  world.put(set("new", "nginx:2", 3, 3, 3, 4));
  const auto previous = rollback_to(world.view(), object, 0);
  ASSERT_TRUE(previous.ok()) << previous.error().message;
  EXPECT_EQ(previous->verb, api::Verb::patch);
  EXPECT_EQ(previous->patch_type, api::PatchType::json);
  EXPECT_EQ(previous->expected.uid, object.uid());
  EXPECT_THAT(previous->patch, HasSubstr("nginx:0.2"));
  EXPECT_THAT(previous->patch, ::testing::Not(HasSubstr("pod-template-hash")));

  const auto first = rollback_to(world.view(), object, 1);
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(first->patch, HasSubstr("nginx:0.1"));
  EXPECT_THAT(first->patch, HasSubstr(R"("say \"a\"")"));

  EXPECT_EQ(rollback_to(world.view(), object, 7).error().message,
            "unable to find specified revision 7 in history");
  EXPECT_EQ(rollback_to(world.view(), object, 3).error().message,
            "skipped rollback (current template already matches revision 3)");
  const api::Ref<api::Deployment> paused(world.put(web(3).paused()));
  EXPECT_THAT(rollback_to(world.view(), paused, 0).error().message,
              HasSubstr("cannot rollback a paused deployment"));
}

}  // namespace
}  // namespace keelson::controllers
