#include "core/controllers/pod_gc.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

using test::net::Caches;
using testing::ElementsAre;
using testing::IsEmpty;

class PodGcTest : public testing::Test {
 protected:
  std::set<std::string> keys(const api::ObjectPtr& before, const api::ObjectPtr& after) {
    std::set<std::string> found;
    const client::View view = caches.view();
    controller.keys_for(view, before, after,
                        [&](const api::ObjectKey& key) { found.insert(to_string(key)); });
    return found;
  }
  Plan reconcile(api::Kind kind, const std::string& ns, const std::string& name) {
    const client::View view = caches.view();
    return controller.reconcile(view, {kind, ns, name});
  }
  Plan node(const std::string& name) { return reconcile(api::Kind::nodes, {}, name); }

  Caches caches;
  PodGcController controller{{40s, 20s, 3}};
};

TEST_F(PodGcTest, pods_of_a_missing_node_go_after_quarantine) {
  const auto pod = caches.put(test::net::pod("p", "gone"));
  EXPECT_THAT(keys(nullptr, pod), ElementsAre("nodes gone"));
  Plan plan = node("gone");
  EXPECT_THAT(plan.writes, IsEmpty());
  EXPECT_EQ(plan.requeue_after, 40s);
  caches.now += 39s;
  plan = node("gone");
  EXPECT_THAT(plan.writes, IsEmpty());
  EXPECT_EQ(plan.requeue_after, 1s);
  caches.now += 1s;
  plan = node("gone");
  ASSERT_EQ(plan.writes.size(), 1u);
  const PlannedWrite& write = plan.writes[0];
  EXPECT_EQ(write.request.verb, api::Verb::remove);
  EXPECT_EQ(write.request.grace_period_seconds, 0);
  EXPECT_EQ(write.request.expected.uid, "uid-of-p");
  ASSERT_EQ(write.checks.size(), 1u) << "the store has the last word about the node";
  EXPECT_EQ(write.checks[0].expect, LiveCheck::Expect::absent);
  EXPECT_EQ(write.checks[0].key.name, "gone");
}

TEST_F(PodGcTest, a_node_that_comes_into_view_in_time_keeps_its_pods) {
  caches.put(test::net::pod("p", "n"));  // its event came before that of its new node
  node("n");
  caches.now += 30s;
  const auto added = caches.put(test::net::node("n"));
  EXPECT_THAT(keys(nullptr, added), ElementsAre("nodes n"));
  caches.now += 30s;
  EXPECT_THAT(node("n").writes, IsEmpty());
}

// kubernetes#141365: a node of the same name is another node.
TEST_F(PodGcTest, a_node_that_is_made_again_does_not_inherit_pods) {
  caches.put(test::net::pod("old", "n"));
  const auto first = caches.put(test::net::node("n"));
  caches.put(test::net::pod("young", "n"));  // newer than what is known of the nodes
  caches.cache.apply(first, nullptr);
  keys(first, nullptr);
  node("n");
  api::Node again = test::net::node("n");
  again.mutable_metadata()->set_uid("another");
  keys(nullptr, caches.put(again));
  caches.now += 39s;
  EXPECT_THAT(node("n").writes, IsEmpty());
  caches.now += 1s;
  const Plan plan = node("n");
  ASSERT_EQ(plan.writes.size(), 1u);
  EXPECT_EQ(plan.writes[0].request.name, "old");
  EXPECT_FALSE(plan.writes[0].request.grace_period_seconds) << "its agent may run it: in order";
}

TEST_F(PodGcTest, existing_nodes_and_their_pods_are_left_alone) {
  const auto existing = caches.put(test::net::node("n"));
  const auto pod = caches.put(test::net::pod("p", "n"));
  EXPECT_THAT(keys(nullptr, pod), IsEmpty());
  EXPECT_THAT(keys(existing, caches.put(test::net::node("n"))), IsEmpty());
  const Plan plan = node("n");
  EXPECT_THAT(plan.writes, IsEmpty());
  EXPECT_EQ(plan.requeue_after, 0s);
}

TEST_F(PodGcTest, a_deleted_node_is_noticed_and_forgotten_when_its_pods_are_gone) {
  caches.put(test::net::node("n"));
  caches.put(test::net::pod("p", "n"));
  const auto gone = caches.drop(api::Kind::nodes, {}, "n");
  EXPECT_THAT(keys(gone, nullptr), ElementsAre("nodes n"));
  node("n");
  caches.drop(api::Kind::pods, "default", "p");
  caches.now += 40s;
  EXPECT_EQ(node("n").requeue_after, 0s);
  // A later loss of a node of that name starts its own quarantine.
  caches.put(test::net::pod("q", "n"));
  EXPECT_EQ(node("n").requeue_after, 40s);
}

// KEP-2268: an operator who switched a machine off says so with a taint.
TEST_F(PodGcTest, ending_pods_of_a_node_that_is_out_of_service_go_by_force) {
  const auto before = caches.put(test::net::node("n", {}, "Unknown"));
  api::Pod ending = test::net::pod("ending", "n");
  ending.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  const auto stays = caches.put(test::net::pod("stays", "n"));
  const auto leaves = caches.put(ending);
  EXPECT_THAT(keys(nullptr, leaves), IsEmpty()) << "its agent may come back and end it";
  EXPECT_THAT(node("n").writes, IsEmpty());

  const auto tainted = [&](const std::string& ready) {
    api::Node node = test::net::node("n", {}, ready);
    api::Taint* taint = node.mutable_spec()->add_taints();
    taint->set_key("node.kubernetes.io/out-of-service");
    taint->set_value("nodeshutdown");
    taint->set_effect("NoExecute");
    return node;
  };
  const auto vouched = caches.put(tainted("Unknown"));
  EXPECT_THAT(keys(before, vouched), ElementsAre("nodes n"));
  EXPECT_THAT(keys(nullptr, leaves), ElementsAre("nodes n"));
  EXPECT_THAT(keys(nullptr, stays), IsEmpty());
  const Plan plan = node("n");
  ASSERT_EQ(plan.writes.size(), 1u);
  EXPECT_EQ(plan.writes[0].request.name, "ending");
  EXPECT_EQ(plan.writes[0].request.grace_period_seconds, 0);
  EXPECT_EQ(plan.writes[0].request.expected.uid, "uid-of-ending");
  ASSERT_EQ(plan.writes[0].checks.size(), 1u);
  EXPECT_EQ(plan.writes[0].checks[0].uid, "uid-of-n");

  caches.put(tainted("True"));
  EXPECT_THAT(node("n").writes, IsEmpty()) << "its agent is there after all";
  api::Node concluded = tainted("Unknown");
  (*concluded.mutable_metadata()->mutable_annotations())["keelson.dev/declared-dead"] = "1 a b";
  caches.put(concluded);
  EXPECT_THAT(node("n").writes, IsEmpty()) << "witnesses are not an operator's word";
}

TEST_F(PodGcTest, pods_that_were_never_scheduled_need_no_agent_to_end) {
  api::Pod pod = test::net::pod("p", "");
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  const auto object = caches.put(pod);
  EXPECT_THAT(keys(nullptr, object), ElementsAre("pods default/p"));
  Plan plan = reconcile(api::Kind::pods, "default", "p");
  ASSERT_EQ(plan.writes.size(), 1u);
  EXPECT_EQ(plan.writes[0].request.grace_period_seconds, 0);
  EXPECT_EQ(plan.writes[0].request.expected.uid, "uid-of-p");
  pod.mutable_spec()->set_node_name("n");
  caches.put(pod);
  EXPECT_THAT(reconcile(api::Kind::pods, "default", "p").writes, IsEmpty());
}

TEST_F(PodGcTest, ended_pods_beyond_the_threshold_go_oldest_first) {
  caches.put(test::net::node("n"));
  std::set<std::string> triggered;
  for (int i = 0; i < 5; ++i) {
    api::Pod pod = test::net::pod("p" + std::to_string(i), "n");
    pod.mutable_metadata()->mutable_creation_timestamp()->set_seconds(100 - i);
    const auto running = caches.put(pod);
    keys(nullptr, running);
    pod.mutable_status()->set_phase(i % 2 ? "Failed" : "Succeeded");
    for (const auto& key : keys(running, caches.put(pod))) triggered.insert(key);
    if (i == 2) {
      EXPECT_THAT(triggered, IsEmpty()) << "three may stay";
    }
  }
  ASSERT_EQ(triggered.size(), 1u);
  const Plan plan = reconcile(api::Kind::pods, {}, {});
  ASSERT_EQ(plan.writes.size(), 2u);
  EXPECT_EQ(plan.writes[0].request.name, "p4");
  EXPECT_EQ(plan.writes[1].request.name, "p3");
  EXPECT_EQ(plan.writes[0].request.expected.uid, "uid-of-p4");
  EXPECT_EQ(reconcile(api::Kind::pods, {}, {}).requeue_after, 20s) << "not for every pod";
}

}  // namespace
}  // namespace keelson::controllers
