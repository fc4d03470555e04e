#include "core/controllers/namespace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/controllers/root_ca.hpp"
#include "core/controllers/service_account.hpp"
#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(NamespaceController, LeavesActiveOnesAlone) {
  World world;
  NamespaceController controller;
  const auto team = world.put(name_space("team"));
  world.put(pod("a").ns("team"));
  EXPECT_THAT(describe(world.reconcile(controller, team)), IsEmpty());
}

TEST(NamespaceController, SaysTerminatingFirst) {
  World world;
  NamespaceController controller;
  const auto team = world.put(name_space("team").deleting());
  const Plan plan = world.reconcile(controller, team);
  ASSERT_THAT(describe(plan), ElementsAre("update/status namespaces team"));
  EXPECT_EQ(body<api::Namespace>(plan.writes[0]).status().phase(), "Terminating");
}

TEST(NamespaceController, DeletesContentsByUidAndWaitsForThem) {
  World world;
  NamespaceController controller;
  const auto team = world.put(name_space("team").terminating());
  world.put(pod("a").ns("team").uid("u-a"));
  const auto going = world.put(pod("b").ns("team").deleting());
  const auto map = world.put(config_map("c").ns("team"));
  world.put(pod("a").ns("default"));
  const Plan plan = world.reconcile(controller, team);
  EXPECT_THAT(describe(plan), UnorderedElementsAre("delete pods a", "delete configmaps c"));
  for (const auto& write : plan.writes) EXPECT_EQ(write.request.ns, "team");
  EXPECT_EQ(find_write(plan, "delete pods a")->request.expected.uid, "u-a");

  world.erase(pod("a").ns("team"));
  world.erase(map);
  EXPECT_THAT(describe(world.reconcile(controller, team)), IsEmpty()) << "b is still there";
  EXPECT_THAT(world.keys(controller, going, nullptr), ElementsAre("namespaces team"));
  EXPECT_THAT(world.keys(controller, pod("x").ns("default"), nullptr), IsEmpty());
}

TEST(NamespaceController, IsFinalizedOnlyWhenTheLiveStoreHasNothingLeft) {
  World world;
  NamespaceController controller;
  const auto team = world.put(name_space("team").terminating());
  const Plan plan = world.reconcile(controller, team);
  ASSERT_THAT(describe(plan), ElementsAre("deletecollection events", "update namespaces team"));
  EXPECT_EQ(plan.writes[0].request.ns, "team");
  const PlannedWrite& last = plan.writes[1];
  EXPECT_GT(last.stage, plan.writes[0].stage);
  EXPECT_EQ(body<api::Namespace>(last).spec().finalizers_size(), 0);
  EXPECT_EQ(last.request.expected.revision, team->revision());
  std::set<api::Kind> checked;
  for (const auto& check : last.checks) {
    EXPECT_EQ(check.expect, LiveCheck::Expect::absent);
    EXPECT_EQ(check.key.ns, "team");
    EXPECT_TRUE(check.key.name.empty());
    checked.insert(check.key.kind);
  }
  for (const auto& info : api::all_kinds()) {
    EXPECT_EQ(checked.contains(info.kind), info.namespaced) << info.plural;
  }
}

class NamespaceConditions : public ::testing::Test {
 protected:
  // One reconcile; the status that it writes, if any, becomes the namespace's.
  Plan step() {
    const Plan plan = world.reconcile(controller, team);
    if (const PlannedWrite* write = find_write(plan, "update/status namespaces")) {
      EXPECT_EQ(write->request.expected.revision, team->revision());
      team = world.put(api::make_object(body<api::Namespace>(*write)));
    }
    return plan;
  }
  // "True SomeResourcesRemain: Some resources are remaining: ...", empty if it is not there.
  std::string condition(const std::string& type) const {
    for (const auto& c : team->as<api::Namespace>().status().conditions()) {
      if (c.type() == type) return c.status() + " " + c.reason() + ": " + c.message();
    }
    return {};
  }

  World world;
  NamespaceController controller;
  api::ObjectPtr team = world.put(name_space("team").terminating());
};

TEST_F(NamespaceConditions, SayWhatItWaitsFor) {
  world.put(pod("a").ns("team").deleting());
  const auto kept = world.put(pod("b").ns("team").deleting().finalizer("example.com/keep"));
  world.put(deployment("d").ns("team").deleting().finalizer("foregroundDeletion"));
  EXPECT_THAT(describe(step()), IsEmpty()) << "most are gone before anybody asks";
  world.pass(2s);
  EXPECT_THAT(describe(step()), ElementsAre("update/status namespaces team"));
  EXPECT_EQ(condition("NamespaceDeletionDiscoveryFailure"),
            "False ResourcesDiscovered: All resources successfully discovered");
  EXPECT_EQ(condition("NamespaceDeletionGroupVersionParsingFailure"),
            "False ParsedGroupVersions: All legacy kube types successfully parsed");
  EXPECT_EQ(condition("NamespaceDeletionContentFailure"),
            "False ContentDeleted: All content successfully deleted, may be waiting on "
            "finalization");
  EXPECT_EQ(condition("NamespaceContentRemaining"),
            "True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 "
            "resource instances, pods. has 2 resource instances");
  EXPECT_EQ(condition("NamespaceFinalizersRemaining"),
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: "
            "example.com/keep in 1 resource instances, foregroundDeletion in 1 resource instances");
  EXPECT_EQ(team->as<api::Namespace>().status().phase(), "Terminating");
  world.pass(1h);
  const Plan quiet = step();
  EXPECT_THAT(describe(quiet), IsEmpty());
  EXPECT_EQ(quiet.requeue_after, 0s) << "nothing is looked at again until something changes";
  EXPECT_THAT(world.keys(controller, kept, world.put(pod("b").ns("team").deleting())),
              ElementsAre("namespaces team"))
      << "a finalizer less";
}

TEST_F(NamespaceConditions, AreCountedAtMostEveryTwoSeconds) {
  const auto a = world.put(pod("a").ns("team").deleting());
  const auto b = world.put(pod("b").ns("team").deleting());
  EXPECT_EQ(step().requeue_after, 2s);
  world.pass(2s);
  step();
  world.erase(a);
  world.pass(500ms);
  const Plan early = step();
  EXPECT_THAT(describe(early), IsEmpty());
  EXPECT_EQ(early.requeue_after, 1500ms);
  world.pass(1500ms);
  step();
  EXPECT_THAT(condition("NamespaceContentRemaining"), ::testing::HasSubstr("pods. has 1 "));
}

TEST_F(NamespaceConditions, ShowDeletionsThatAreRefused) {
  const auto map = world.put(config_map("c").ns("team"));
  const auto refuse = [&] {
    controller.write_refused(team->key(), api::remove(*map),
                             api::forbidden(api::Kind::config_maps, "c", "not now"));
  };
  step();
  refuse();
  world.pass(2s);
  EXPECT_THAT(describe(step()),
              ElementsAre("delete configmaps c", "update/status namespaces team"));
  EXPECT_THAT(condition("NamespaceDeletionContentFailure"),
              ::testing::StartsWith("True ContentDeletionFailed: Failed to delete all resource "
                                    "types, 1 remaining: "));
  EXPECT_THAT(condition("NamespaceDeletionContentFailure"), ::testing::HasSubstr("not now"));
  refuse();
  world.pass(10s);
  EXPECT_THAT(describe(step()), ElementsAre("delete configmaps c")) << "that is said already";
  world.pass(10s);
  step();
  EXPECT_THAT(condition("NamespaceDeletionContentFailure"),
              ::testing::StartsWith("False ContentDeleted"));
}

TEST_F(NamespaceConditions, EndTrueEvenIfTheNamespaceItselfStays) {
  const auto a = world.put(pod("a").ns("team").deleting());
  step();
  world.pass(2s);
  step();
  world.erase(a);
  EXPECT_THAT(describe(step()), ElementsAre("update/status namespaces team"));
  EXPECT_EQ(condition("NamespaceContentRemaining"),
            "False ContentRemoved: All content successfully removed");
  EXPECT_EQ(condition("NamespaceFinalizersRemaining"),
            "False ContentHasNoFinalizers: All content-preserving finalizers finished");
  EXPECT_THAT(describe(step()), ElementsAre("deletecollection events", "update namespaces team"));
}

TEST(ServiceAccountController, EveryActiveNamespaceGetsADefaultOne) {
  World world;
  ServiceAccountController controller;
  const auto team = world.put(name_space("team"));
  const Plan plan = world.reconcile(controller, team);
  ASSERT_THAT(describe(plan), ElementsAre("create serviceaccounts default"));
  EXPECT_EQ(plan.writes[0].request.ns, "team");

  api::ServiceAccount account;
  account.mutable_metadata()->set_name("default");
  account.mutable_metadata()->set_namespace_("team");
  const auto stored = world.put(api::make_object(account));
  EXPECT_THAT(describe(world.reconcile(controller, team)), IsEmpty());
  EXPECT_THAT(world.keys(controller, stored, nullptr), ElementsAre("namespaces team"));

  const auto ending = world.put(name_space("old").terminating());
  EXPECT_THAT(describe(world.reconcile(controller, ending)), IsEmpty());
}

TEST(RootCaController, RestoresWhatEveryNamespaceHas) {
  World world;
  RootCaController controller("PEM");
  const auto team = world.put(name_space("team"));
  const Plan plan = world.reconcile(controller, team);
  ASSERT_THAT(describe(plan), ElementsAre("create configmaps kube-root-ca.crt"));
  const auto& made = static_cast<const api::ConfigMap&>(*plan.writes[0].request.body);
  EXPECT_EQ(made.data().at("ca.crt"), "PEM");

  const auto stored = world.put(api::make_object(made));
  EXPECT_THAT(describe(world.reconcile(controller, team)), IsEmpty());
  EXPECT_THAT(world.keys(controller, stored, nullptr), ElementsAre("namespaces team"));

  api::ConfigMap spoiled = made;
  (*spoiled.mutable_data())["ca.crt"] = "other";
  (*spoiled.mutable_data())["more"] = "x";
  (*spoiled.mutable_metadata()->mutable_labels())["mine"] = "yes";
  world.put(api::make_object(spoiled));
  const Plan mended = world.reconcile(controller, team);
  ASSERT_THAT(describe(mended), ElementsAre("update configmaps kube-root-ca.crt"));
  const auto& now = static_cast<const api::ConfigMap&>(*mended.writes[0].request.body);
  EXPECT_EQ(now.data_size(), 1);
  EXPECT_EQ(now.data().at("ca.crt"), "PEM");
  EXPECT_EQ(now.metadata().labels().at("mine"), "yes");

  EXPECT_THAT(describe(world.reconcile(controller, world.put(name_space("old").terminating()))),
              IsEmpty());
}

}  // namespace
}  // namespace keelson::controllers
