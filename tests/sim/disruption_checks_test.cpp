// The checks of evictions: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

struct Evictions : testing::Test {
  History h{add_disruption_checks};

  void SetUp() override {
    for (const char* name : {"a", "b", "c"}) h.put(web(name));
    h.put(allows(1), kBudgets);
  }
  static PodBuilder web(const std::string& name) {
    return pod(name).label("app", "web").on("n1").ready();
  }
  // Two of three must stay.
  static BudgetBuilder allows(int32_t disruptions) {
    return budget("two").selects("app", "web").generation(1).with([&](auto& m) {
      m.mutable_status()->set_observed_generation(1);
      m.mutable_status()->set_desired_healthy(2);
      m.mutable_status()->set_disruptions_allowed(disruptions);
    });
  }
  static BudgetBuilder charged(const std::string& pod_name, int32_t left) {
    return allows(left).with([&](auto& m) {
      (*m.mutable_status()->mutable_disrupted_pods())[pod_name].set_seconds(1);
    });
  }
  void evict(const std::string& name, int32_t left) {
    h.together([&] {
      h.put(web(name).deleting());
      h.put(charged(name, left));
    });
  }
};

TEST_F(Evictions, AnAllowedOneIsRight) {
  evict("a", 0);
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("PD-1"), 1u);
}

TEST_F(Evictions, AStaleAllowanceThatIsWrittenAgainBreaksPd1) {
  evict("a", 0);
  h.put(allows(1), kBudgets);  // computed before the eviction
  evict("b", 0);
  EXPECT_EQ(h.broken(), "PD-1");
}

TEST_F(Evictions, AnOldAllowanceBreaksPd1WhenPodsHaveFailedSince) {
  h.put(web("b").not_ready());
  h.pass(100s);
  h.put(config_map("unrelated"));
  h.pass(100s);
  evict("a", 0);
  EXPECT_EQ(h.broken(), "PD-1");
}

TEST_F(Evictions, AFailureThatTheServerCannotHaveSeenExcusesIt) {
  h.put(web("b").not_ready());
  evict("a", 0);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Evictions, GrantingWithoutAllowanceBreaksPd2) {
  h.put(allows(0), kBudgets);
  evict("a", -1);
  EXPECT_EQ(h.broken(), "PD-2");
}

TEST_F(Evictions, GrantingOnABudgetThatIsBeingJudgedBreaksPd2) {
  h.put(allows(1).generation(2));
  evict("a", 0);
  EXPECT_EQ(h.broken(), "PD-2");
}

TEST_F(Evictions, AGrantMustCostOneAndDeleteThePod) {
  evict("a", 1);
  EXPECT_EQ(h.broken(), "PD-2");
  h.put(allows(1), kBudgets);
  h.put(charged("b", 0));
  EXPECT_EQ(h.broken(), "PD-2");
}

TEST_F(Evictions, APodWithTwoBudgetsOrThatDoesNotRunBreaksPd3) {
  h.put(budget("second").selects("app", "web"), kUser);
  h.put(allows(1).label("touched", "yes"), kBudgets);
  evict("a", 0);
  EXPECT_EQ(h.broken(), "PD-3");
  h.remove(budget("second"));
  h.put(web("d").phase("Pending").condition("Ready", "False")).put(allows(1), kBudgets);
  h.together([&] {
    h.remove(web("d"));
    h.put(charged("d", 0));
  });
  EXPECT_EQ(h.broken(), "PD-3");
}

}  // namespace
}  // namespace keelson::sim::test
