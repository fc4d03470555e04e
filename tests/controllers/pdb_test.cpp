#include "core/controllers/pod_disruption_budget.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Status = api::policy::v1::PodDisruptionBudgetStatus;

class BudgetTest : public ::testing::Test {
 protected:
  BudgetTest() {
    owner = world.put(deployment("web").selects("app", "web").replicas(4));
    rs = world.put(replica_set("web-1").selects("app", "web").replicas(4).owner(owner));
  }
  void pods(int ready, int unready = 0) {
    for (int i = 0; i < ready + unready; ++i) {
      auto p = pod("web-1-" + std::to_string(i)).label("app", "web").owner(rs);
      world.put(i < ready ? p.ready() : p.not_ready());
    }
  }
  Status status_of(const BudgetBuilder& builder) {
    const auto object = world.put(builder);
    last = world.reconcile(controller, object);
    const PlannedWrite* write = find_write(last, "update/status poddisruptionbudgets");
    if (!write) return builder.message().status();
    EXPECT_EQ(write->request.expected.revision, object->revision());
    return body<api::PodDisruptionBudget>(*write).status();
  }

  World world;
  PodDisruptionBudgetController controller;
  api::ObjectPtr owner, rs;
  Plan last;
};

TEST_F(BudgetTest, MinAvailableAsNumber) {
  pods(3, 1);
  const Status status = status_of(budget("b").selects("app", "web").min_available(2).generation(3));
  EXPECT_EQ(status.expected_pods(), 4);
  EXPECT_EQ(status.current_healthy(), 3);
  EXPECT_EQ(status.desired_healthy(), 2);
  EXPECT_EQ(status.disruptions_allowed(), 1);
  EXPECT_EQ(status.observed_generation(), 3);
  ASSERT_EQ(status.conditions_size(), 1);
  EXPECT_EQ(status.conditions(0).type(), "DisruptionAllowed");
  EXPECT_EQ(status.conditions(0).status(), "True");
  EXPECT_EQ(status.conditions(0).reason(), "SufficientPods");
}

TEST_F(BudgetTest, PercentagesAndMaxUnavailableReferToTheScaleOfTheDeployment) {
  pods(3);  // of 4
  Status status = status_of(budget("b").selects("app", "web").min_available("60%"));
  EXPECT_EQ(status.expected_pods(), 4);
  EXPECT_EQ(status.desired_healthy(), 3) << "2.4 rounds up";
  EXPECT_EQ(status.disruptions_allowed(), 0);
  EXPECT_EQ(status.conditions(0).reason(), "InsufficientPods");
  status = status_of(budget("b").selects("app", "web").max_unavailable(2));
  EXPECT_EQ(status.desired_healthy(), 2);
  EXPECT_EQ(status.disruptions_allowed(), 1);
}

TEST_F(BudgetTest, FailsSafeWhenItCannotCount) {
  pods(4);
  auto before = budget("b").selects("app", "web").max_unavailable(2);
  before.with([](api::PodDisruptionBudget& b) { b.mutable_status()->set_disruptions_allowed(2); });
  world.erase(owner);
  const Status status = status_of(before);
  EXPECT_EQ(status.disruptions_allowed(), 0);
  EXPECT_EQ(status.conditions(0).reason(), "SyncFailed");
  EXPECT_EQ(status.conditions(0).status(), "False");
  ASSERT_EQ(last.events.size(), 1u);
  EXPECT_TRUE(last.events[0].warning);
  EXPECT_EQ(last.events[0].reason, "CalculateExpectedPodCountFailed");
  EXPECT_EQ(last.events[0].message,
            "Failed to calculate the number of expected pods: found no controllers for pod "
            "\"web-1-0\"");
}

TEST_F(BudgetTest, SumsOfSizesThatDoNotFitAreTheMost) {
  const auto other = world.put(replica_set("big").selects("app", "web").replicas(INT32_MAX));
  world.put(pod("big-0").label("app", "web").owner(other).ready());
  pods(1);
  const Status status = status_of(budget("b").selects("app", "web").max_unavailable(1));
  EXPECT_EQ(status.expected_pods(), INT32_MAX);
  EXPECT_EQ(status.disruptions_allowed(), 0);
}

TEST_F(BudgetTest, NothingSelectedAllowsNothing) {
  EXPECT_EQ(status_of(budget("b").selects("app", "none").min_available(0)).disruptions_allowed(),
            0);
  ASSERT_EQ(last.events.size(), 1u);
  EXPECT_EQ(last.events[0].reason, "NoPods");
  EXPECT_EQ(last.events[0].message, "No matching pods found");
  pods(4);
  EXPECT_EQ(status_of(budget("c").min_available(0)).expected_pods(), 0)
      << "no selector selects no pods";
}

TEST_F(BudgetTest, TerminatingAndGrantedPodsAreNotHealthy) {
  pods(4);
  world.put(pod("web-1-3").label("app", "web").owner(rs).ready().deleting());
  auto before = budget("b").selects("app", "web").min_available(1);
  before.with([](api::PodDisruptionBudget& b) {
    (*b.mutable_status()->mutable_disrupted_pods())["web-1-0"].set_seconds(5);
    (*b.mutable_status()->mutable_disrupted_pods())["web-1-3"].set_seconds(5);
    (*b.mutable_status()->mutable_disrupted_pods())["vanished"].set_seconds(5);
  });
  const Status status = status_of(before);
  EXPECT_EQ(status.current_healthy(), 2);
  EXPECT_EQ(status.disruptions_allowed(), 1);
  EXPECT_EQ(status.disrupted_pods().size(), 1u);
  EXPECT_TRUE(status.disrupted_pods().contains("web-1-0"));
  EXPECT_EQ(last.requeue_after, 2min);
}

TEST_F(BudgetTest, AGrantThatIsNotUsedExpiresByOurOwnClock) {
  pods(4);
  auto granted = budget("b").selects("app", "web").min_available(3);
  granted.with([](api::PodDisruptionBudget& b) {
    // The server's clock is far ahead; that must not matter.
    (*b.mutable_status()->mutable_disrupted_pods())["web-1-0"].set_seconds(9'000'000'000);
  });
  EXPECT_EQ(status_of(granted).disruptions_allowed(), 0);
  world.pass(119s);
  EXPECT_EQ(status_of(granted).disruptions_allowed(), 0);
  world.pass(1s);
  const Status status = status_of(granted);
  EXPECT_EQ(status.disruptions_allowed(), 1);
  EXPECT_TRUE(status.disrupted_pods().empty());
  ASSERT_EQ(last.events.size(), 1u);
  EXPECT_EQ(last.events[0].reason, "NotDeleted");
  // The write is lost and the key retried: the grant does not start anew.
  EXPECT_EQ(status_of(granted).disruptions_allowed(), 1);
}

TEST_F(BudgetTest, IsQuietWhenNothingChanges) {
  pods(4);
  auto builder = budget("b").selects("app", "web").min_available(2);
  const Status status = status_of(builder);
  builder.with([&](api::PodDisruptionBudget& b) { *b.mutable_status() = status; });
  world.pass(10min);
  EXPECT_THAT(describe(world.reconcile(controller, world.put(builder))), IsEmpty());
}

TEST_F(BudgetTest, PodsAndScalesWakeTheirBudgets) {
  world.put(budget("b").selects("app", "web").min_available(2));
  const api::ObjectPtr up = pod("x").label("app", "web").ready();
  const api::ObjectPtr down = pod("x").label("app", "web").not_ready();
  const api::ObjectPtr relabeled = pod("x").label("app", "db").ready();
  const char* key = "poddisruptionbudgets default/b";
  EXPECT_THAT(world.keys(controller, up, down), ElementsAre(key));
  EXPECT_THAT(world.keys(controller, up, relabeled), ElementsAre(key));
  EXPECT_THAT(world.keys(controller, up, nullptr), ElementsAre(key));
  EXPECT_THAT(world.keys(controller, up, pod("x").label("app", "web").ready().ip("1.2.3.4")),
              IsEmpty());
  EXPECT_THAT(world.keys(controller, owner, deployment("web").selects("app", "web").replicas(9)),
              ElementsAre(key));
}

}  // namespace
}  // namespace keelson::controllers
