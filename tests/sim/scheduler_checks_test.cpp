// The checks of the scheduler: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

PodBuilder wants(const std::string& name, const std::string& cpu, int32_t priority = 0) {
  return pod(name).with([&](auto& m) {
    auto* container = m.mutable_spec()->add_containers();
    container->set_name("main");
    (*container->mutable_resources()->mutable_requests())["cpu"].set_string(cpu);
    m.mutable_spec()->set_priority(priority);
  });
}

PodBuilder listens(const std::string& name, const std::string& host_ip) {
  return pod(name).with([&](auto& m) {
    auto* port = m.mutable_spec()->add_containers()->add_ports();
    port->set_host_port(80);
    port->set_host_ip(host_ip);
  });
}

struct Bindings : testing::Test {
  History h{add_scheduler_checks};

  void SetUp() override { h.put(two_cpus("n1")).put(two_cpus("n2")); }
  static NodeBuilder two_cpus(const std::string& name) {
    return node(name).ready().allocatable("cpu", "2").allocatable("pods", "3");
  }
  void bind(PodBuilder pod, const std::string& node, api::BasisPtr basis) {
    h.put(pod.on(node), kScheduler, std::move(basis));
  }
  // Creates it, and binds it knowing all.
  void place(const PodBuilder& pod, const std::string& node) {
    h.put(pod);
    bind(pod, node, h.knowing());
  }
};

TEST_F(Bindings, WhatFitsIsRightAndWhatDoesNotBreaksSc1) {
  place(wants("a", "1500m"), "n1");
  place(wants("b", "500m"), "n1");
  EXPECT_EQ(h.broken(), "");
  place(wants("c", "1m"), "n1");
  EXPECT_EQ(h.broken(), "SC-1");
}

TEST_F(Bindings, FinishedPodsTakeNoPlace) {
  place(wants("a", "2"), "n1");
  h.put(wants("a", "2").on("n1").phase("Succeeded"), "agent/n1");
  place(wants("b", "2"), "n1");
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Bindings, TheNumberOfPodsIsBounded) {
  for (const char* name : {"a", "b", "c"}) place(wants(name, "1m"), "n1");
  EXPECT_EQ(h.broken(), "");
  place(wants("d", "1m"), "n1");
  EXPECT_EQ(h.broken(), "SC-1");
}

TEST_F(Bindings, AHostPortIsTakenOncePerAddress) {
  place(listens("a", "10.0.0.1"), "n1");
  place(listens("b", "10.0.0.2"), "n1");
  EXPECT_EQ(h.broken(), "");
  place(listens("c", "0.0.0.0"), "n1");
  EXPECT_EQ(h.broken(), "SC-1");
}

TEST_F(Bindings, WhatAUserPlacedUnseenExcusesItAndWhatWasSeenDoesNot) {
  h.put(wants("a", "1500m")).put(wants("b", "1500m"));
  const auto early = h.knowing();
  h.put(wants("mine", "1").on("n1"), kUser).put(wants("too", "1").on("n2"), kUser);
  bind(wants("a", "1500m"), "n1", early);
  EXPECT_EQ(h.broken(), "");
  bind(wants("b", "1500m"), "n2", h.knowing());
  EXPECT_EQ(h.broken(), "SC-1");
}

TEST_F(Bindings, ANodeThatShrinksMeanwhileExcusesIt) {
  h.put(wants("a", "1500m"));
  const auto early = h.knowing();
  h.put(two_cpus("n1").allocatable("cpu", "1"));
  bind(wants("a", "1500m"), "n1", early);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Bindings, ANodeThatDoesNotSuitBreaksSc2) {
  h.put(two_cpus("n2").with([](auto& m) { m.mutable_spec()->set_unschedulable(true); }));
  place(wants("a", "1"), "n2");
  EXPECT_EQ(h.broken(), "SC-2");
  h.put(two_cpus("n2").with([](auto& m) {
    auto* taint = m.mutable_spec()->add_taints();
    taint->set_key("gpu");
    taint->set_effect("NoSchedule");
  }));
  place(wants("b", "1m"), "n2");
  EXPECT_EQ(h.broken(), "SC-2");
  place(wants("c", "1m").with([](auto& m) {
    auto* toleration = m.mutable_spec()->add_tolerations();
    toleration->set_key("gpu");
    toleration->set_operator_("Exists");
  }),
        "n2");
  EXPECT_EQ(h.broken(), "");
  place(wants("d", "1m").with(
            [](auto& m) { (*m.mutable_spec()->mutable_node_selector())["disk"] = "ssd"; }),
        "n1");
  EXPECT_EQ(h.broken(), "SC-2");
  place(wants("e", "1m"), "n3");
  EXPECT_EQ(h.broken(), "SC-2") << "there is no such node";
}

TEST_F(Bindings, ACordonThatWasNotKnownYetIsNoBreach) {
  h.put(wants("a", "1"));
  const auto early = h.knowing();
  h.put(two_cpus("n1").with([](auto& m) { m.mutable_spec()->set_unschedulable(true); }));
  bind(wants("a", "1"), "n1", early);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Bindings, MovingOrBindingWhatIsBeingDeletedBreaksSc3) {
  place(wants("a", "1"), "n1");
  h.put(wants("a", "1").on("n2"));
  EXPECT_EQ(h.broken(), "SC-3");
  h.put(wants("b", "1m").deleting());
  h.put(wants("b", "1m").deleting().on("n1"), kScheduler, h.knowing());
  EXPECT_EQ(h.broken(), "SC-3");
}

TEST_F(Bindings, AVerdictOnThePredecessorBreaksSc3) {
  h.put(wants("a", "1").uid("1"));
  const auto plan = h.knowing();
  h.remove(wants("a", "1").uid("1")).put(wants("a", "1").uid("2"));
  bind(wants("a", "1").uid("2"), "n1", plan);
  EXPECT_EQ(h.broken(), "SC-3");
}

TEST_F(Bindings, BindingWhatCannotHaveBeenSeenBreaksSc3) {
  const auto plan = h.knowing();
  h.put(wants("a", "1"));
  bind(wants("a", "1"), "n1", plan);
  EXPECT_EQ(h.broken(), "SC-3");
}

struct Preemption : Bindings {
  void SetUp() override {
    Bindings::SetUp();
    h.put(wants("low", "2", 1).on("n1"), kUser);
  }
  void preempt() { h.put(wants("low", "2", 1).on("n1").deleting(), kScheduler, h.knowing()); }
};

TEST_F(Preemption, ForAHigherPriorityIsRight) {
  h.put(wants("high", "2", 10));
  preempt();
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("SC-4"), 1u);
}

TEST_F(Preemption, ForOneThatHasFoundAPlaceMeanwhileIsRight) {
  place(wants("high", "2", 10), "n2");
  preempt();
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Preemption, OfOneWhoseBindingIsUnderWayIsRight) {
  h.put(wants("high", "2", 10)).put(wants("assumed", "1", 1));
  h.put(wants("assumed", "1", 1).deleting(), kScheduler, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Preemption, ForNobodyBreaksSc4) {
  h.put(wants("equal", "2", 1));
  preempt();
  EXPECT_EQ(h.broken(), "SC-4");
}

TEST_F(Preemption, ForOneThatMayNotPreemptBreaksSc4) {
  h.put(wants("meek", "2", 10).with([](auto& m) {
    m.mutable_spec()->set_preemption_policy("Never");
  }));
  preempt();
  EXPECT_EQ(h.broken(), "SC-4");
}

TEST_F(Preemption, ForOneThatCouldNotRunThereBreaksSc4) {
  h.put(wants("big", "3", 10)).put(wants("choosy", "1", 10).with([](auto& m) {
    (*m.mutable_spec()->mutable_node_selector())["disk"] = "ssd";
  }));
  preempt();
  EXPECT_EQ(h.broken(), "SC-4");
}

TEST_F(Bindings, APodThatWaitsThoughThereIsRoomIsPendingAndInTheEndBreaksSc6) {
  h.phase(Phase::converging);
  h.put(wants("big", "3")).put(wants("a", "1"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(h.pending(), "SC-6: is not bound although a node has room for it");
    h.pass(1s);
  }
  EXPECT_EQ(h.broken(), "");
  h.pass(1s);
  h.pending();
  EXPECT_EQ(h.broken(), "SC-6");
}

TEST_F(Bindings, APodOfAnotherSchedulerIsNotOurs) {
  h.put(wants("a", "1").with([](auto& m) { m.mutable_spec()->set_scheduler_name("mine"); }));
  EXPECT_EQ(h.pending(), "");
}

// With a scheduler that leads and that nobody has told about any pod.
TEST(SchedulerCache, ThatLacksABoundPodBreaksSc5) {
  WorldOptions options;
  options.pools.push_back({});
  options.pools[0].count = 1;
  options.pools[0].capacity = {{"cpu", "4"}, {"memory", "8Gi"}};
  History h(add_scheduler_checks, options);
  h.world().start();
  h.world().engine().run_until(h.world().now() + 30s);
  h.phase(Phase::converging);
  h.put(wants("a", "1").on("node-1"), kUser);
  h.pass(85s);
  EXPECT_EQ(h.broken(), "") << "it may be on its way";
  h.pass(6s);
  EXPECT_EQ(h.broken(), "SC-5");
  h.remove(wants("a", "1").on("node-1"));
  h.phase(Phase::quiet);
  h.pass(6s);
  EXPECT_EQ(h.broken(), "");
  h.put(wants("b", "1").on("node-1"), kUser);
  h.pass(6s);
  EXPECT_EQ(h.broken(), "SC-5");
}

}  // namespace
}  // namespace keelson::sim::test
