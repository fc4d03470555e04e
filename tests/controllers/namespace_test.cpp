#include "core/controllers/namespace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace keelson::controllers
