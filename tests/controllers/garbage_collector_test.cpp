#include "core/controllers/garbage_collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class GarbageCollectorTest : public ::testing::Test {
 protected:
  World world;
  GarbageCollector gc;
};

TEST_F(GarbageCollectorTest, AnObjectWithoutOwnersOrWithALivingOneStays) {
  const auto rs = world.put(replica_set("web"));
  EXPECT_THAT(describe(world.reconcile(gc, rs)), IsEmpty());
  EXPECT_THAT(describe(world.reconcile(gc, world.put(pod("a").owner(rs)))), IsEmpty());
}

TEST_F(GarbageCollectorTest, AnAbsentOwnerIsVerifiedLiveBeforeTheDelete) {
  const api::ObjectPtr rs = replica_set("web").uid("u-rs");
  const auto orphan = world.put(pod("a").owner(rs));
  const Plan plan = world.reconcile(gc, orphan);
  ASSERT_THAT(describe(plan), ElementsAre("delete pods a"));
  const PlannedWrite& write = plan.writes[0];
  EXPECT_EQ(write.request.expected.uid, orphan->uid());
  EXPECT_EQ(write.request.expected.revision, orphan->revision())
      << "not if it was adopted meanwhile";
  EXPECT_EQ(write.request.propagation, api::Propagation::background);
  ASSERT_THAT(write.checks, SizeIs(1));
  EXPECT_EQ(write.checks[0].expect, LiveCheck::Expect::absent);
  EXPECT_EQ(write.checks[0].key, (api::ObjectKey{api::Kind::replica_sets, "default", "web"}));
  EXPECT_EQ(write.checks[0].uid, "u-rs");
}

TEST_F(GarbageCollectorTest, ASuccessorOfTheSameNameIsNotTheOwner) {
  world.put(replica_set("web").uid("new"));
  const api::ObjectPtr old = replica_set("web").uid("old");
  EXPECT_THAT(describe(world.reconcile(gc, world.put(pod("a").owner(old)))),
              ElementsAre("delete pods a"));
}

TEST_F(GarbageCollectorTest, AnOwnerInAnotherNamespaceDoesNotCount) {
  const auto elsewhere = world.put(replica_set("web").ns("other").uid("u"));
  const auto copy = world.put(pod("a").owner(elsewhere));
  const Plan plan = world.reconcile(gc, copy);
  ASSERT_THAT(describe(plan), ElementsAre("delete pods a"));
  EXPECT_EQ(plan.writes[0].checks[0].key.ns, "default");
  // And the owner's own deletion does not reach across.
  const auto deleting =
      world.put(replica_set("web").ns("other").uid("u").deleting().finalizer("foregroundDeletion"));
  EXPECT_THAT(describe(world.reconcile(gc, deleting)), ElementsAre("update replicasets web"));
}

TEST_F(GarbageCollectorTest, AClusterScopedObjectWithANamespacedOwnerIsLeftAlone) {
  const api::ObjectPtr owner = replica_set("web");
  EXPECT_THAT(describe(world.reconcile(gc, world.put(node("n1").owner(owner)))), IsEmpty());
}

TEST_F(GarbageCollectorTest, AnUnknownKindOfOwnerIsLeftAlone) {
  auto builder = pod("a");
  builder.with([](api::Pod& p) {
    auto* reference = p.mutable_metadata()->add_owner_references();
    reference->set_api_version("example.com/v1");
    reference->set_kind("Database");
    reference->set_name("db");
    reference->set_uid("u");
  });
  EXPECT_THAT(describe(world.reconcile(gc, world.put(builder))), IsEmpty());
}

TEST_F(GarbageCollectorTest, OneLivingOwnerKeepsTheObjectAndLosesTheDeadReferences) {
  const auto alive = world.put(replica_set("alive"));
  const api::ObjectPtr dead = replica_set("dead");
  const auto shared =
      world.put(config_map("c").reference(*alive, false, false).reference(*dead, false, false));
  const Plan plan = world.reconcile(gc, shared);
  ASSERT_THAT(describe(plan), ElementsAre("update configmaps c"));
  const auto& left = body<api::ConfigMap>(plan.writes[0]).metadata().owner_references();
  ASSERT_EQ(left.size(), 1);
  EXPECT_EQ(left[0].uid(), alive->uid());
  ASSERT_THAT(plan.writes[0].checks, SizeIs(1));
  EXPECT_EQ(plan.writes[0].checks[0].key.name, "dead");
}

TEST_F(GarbageCollectorTest, ForegroundDeletesDependentsFirst) {
  const auto owner = world.put(
      deployment("web").deleting().finalizer("foregroundDeletion").finalizer("example.com/keep"));
  const auto rs = world.put(replica_set("web-1").owner(owner));
  const auto child = world.put(pod("web-1-a").owner(rs));
  Plan plan = world.reconcile(gc, owner);
  ASSERT_THAT(describe(plan), ElementsAre("delete replicasets web-1"));
  EXPECT_EQ(plan.writes[0].request.propagation, api::Propagation::foreground)
      << "it has dependents of its own";
  EXPECT_EQ(plan.writes[0].request.expected.uid, rs->uid());

  const auto rs_going =
      world.put(replica_set("web-1").owner(owner).deleting().finalizer("foregroundDeletion"));
  EXPECT_THAT(describe(world.reconcile(gc, owner)), IsEmpty()) << "waits for it to go";
  plan = world.reconcile(gc, rs_going);
  ASSERT_THAT(describe(plan), ElementsAre("delete pods web-1-a"));
  EXPECT_EQ(plan.writes[0].request.propagation, api::Propagation::background);

  world.erase(child);
  plan = world.reconcile(gc, rs_going);
  ASSERT_THAT(describe(plan), ElementsAre("update replicasets web-1"));
  EXPECT_EQ(plan.writes[0].request.expected.revision, rs_going->revision());
  world.erase(rs_going);
  plan = world.reconcile(gc, owner);
  ASSERT_THAT(describe(plan), ElementsAre("update deployments web"));
  EXPECT_THAT(body<api::Deployment>(plan.writes[0]).metadata().finalizers(),
              ElementsAre("example.com/keep"));
}

TEST_F(GarbageCollectorTest, ForegroundDoesNotWaitForDependentsThatDoNotBlock) {
  const auto owner = world.put(replica_set("web").deleting().finalizer("foregroundDeletion"));
  world.put(pod("a").reference(*owner, true, false).deleting());
  EXPECT_THAT(describe(world.reconcile(gc, owner)), ElementsAre("update replicasets web"));
}

TEST_F(GarbageCollectorTest, OwnersThatOwnEachOtherDoNotWaitForEachOther) {
  const auto waiting = [&](const std::string& name, const std::string& owner) {
    auto builder = config_map(name).uid("u-" + name).deleting().finalizer("foregroundDeletion");
    return world.put(builder.reference(*config_map(owner).uid("u-" + owner).object(), false, true));
  };
  // a owns b owns c owns a; and s owns itself.
  const auto a = waiting("a", "c");
  const auto b = waiting("b", "a");
  EXPECT_THAT(describe(world.reconcile(gc, a)), IsEmpty()) << "no circle yet: b goes first";
  const auto c = waiting("c", "b");
  for (const auto& one : {a, b, c}) {
    EXPECT_THAT(describe(world.reconcile(gc, one)),
                ElementsAre("update configmaps " + one->name()));
  }
  const auto self = waiting("s", "s");
  EXPECT_THAT(describe(world.reconcile(gc, self)), ElementsAre("update configmaps s"));

  // A dependent that ends without waiting for anybody is waited for all the same.
  const auto d = waiting("d", "nobody");
  world.put(config_map("e").deleting().reference(*d, false, true));
  EXPECT_THAT(describe(world.reconcile(gc, d)), IsEmpty());
}

TEST_F(GarbageCollectorTest, ForegroundSparesWhatAnotherOwnerKeeps) {
  const auto owner = world.put(replica_set("web").deleting().finalizer("foregroundDeletion"));
  const auto other = world.put(replica_set("other"));
  world.put(config_map("c").reference(*owner, false, true).reference(*other, false, true));
  const Plan plan = world.reconcile(gc, owner);
  ASSERT_THAT(describe(plan), ElementsAre("update configmaps c"));
  EXPECT_EQ(body<api::ConfigMap>(plan.writes[0]).metadata().owner_references(0).uid(),
            other->uid());
}

TEST_F(GarbageCollectorTest, OrphaningStripsReferencesFirst) {
  const auto owner = world.put(replica_set("web").deleting().finalizer("orphan"));
  world.put(pod("a").owner(owner));
  world.put(pod("b").owner(owner));
  Plan plan = world.reconcile(gc, owner);
  ASSERT_THAT(describe(plan), ElementsAre("update pods a", "update pods b"));
  EXPECT_EQ(body<api::Pod>(plan.writes[0]).metadata().owner_references_size(), 0);
  world.put(pod("a"));
  world.put(pod("b"));
  plan = world.reconcile(gc, owner);
  ASSERT_THAT(describe(plan), ElementsAre("update replicasets web"));
  EXPECT_EQ(body<api::ReplicaSet>(plan.writes[0]).metadata().finalizers_size(), 0);
}

TEST_F(GarbageCollectorTest, WakesDependentsOfWhatIsGoneAndOwnersThatWait) {
  const auto rs = world.put(replica_set("web"));
  world.put(pod("a").owner(rs));
  world.put(pod("b").owner(rs));
  world.put(pod("c"));
  world.erase(rs);
  EXPECT_THAT(world.keys(gc, rs, nullptr),
              UnorderedElementsAre("pods default/a", "pods default/b"));

  const auto waiting = world.put(replica_set("web").deleting().finalizer("foregroundDeletion"));
  const api::ObjectPtr gone = pod("a").owner(waiting);
  EXPECT_THAT(world.keys(gc, gone, nullptr), ElementsAre("replicasets default/web"));
  EXPECT_THAT(world.keys(gc, nullptr, waiting), ElementsAre("replicasets default/web"));
}

TEST_F(GarbageCollectorTest, ASuccessorSeenAsAnUpdateAlsoMeansThatTheOldOneIsGone) {
  const auto old = world.put(replica_set("web").uid("old"));
  world.put(pod("a").owner(old));
  const auto successor = world.put(replica_set("web").uid("new"));
  EXPECT_THAT(world.keys(gc, old, successor), ElementsAre("pods default/a"));
}

TEST_F(GarbageCollectorTest, OrdinaryUpdatesWakeNobody) {
  const auto rs = world.put(replica_set("web"));
  const api::ObjectPtr before = pod("a").owner(rs).not_ready();
  const api::ObjectPtr after = pod("a").owner(rs).ready();
  EXPECT_THAT(world.keys(gc, before, after), IsEmpty());
  EXPECT_THAT(world.keys(gc, nullptr, after), IsEmpty());
}

}  // namespace
}  // namespace keelson::controllers
