// The checks of node agents: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

constexpr const char* kAgent = "agent/n1";

agent::ContainerInfo container(const std::string& name, bool init = false,
                               const std::string& sandbox = "sb-1") {
  agent::ContainerInfo info;
  info.id = "c-" + name;
  info.pod_uid = "uid-a";
  info.name = name;
  info.image = "nginx";
  info.sandbox = sandbox;
  info.init = init;
  return info;
}

// In a world without machines: the history is all there is.
struct Agents : testing::Test {
  History h{add_agent_checks};

  static PodBuilder a(const std::string& restart_policy = "Always") {
    return pod("a").on("n1").image("nginx").with([&](auto& m) {
      m.mutable_spec()->set_restart_policy(restart_policy);
    });
  }
  void stops(const std::string& name, int32_t exit_code, bool init = false) {
    agent::ContainerInfo info = container(name, init);
    info.exit_code = exit_code;
    info.reason = exit_code == 0 ? "Completed" : "Error";
    h.container_stops(info);
  }
};

TEST_F(Agents, RunningAPodThatIsBoundIsRight) {
  h.put(a());
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Agents, RunningOneThatIsNotBoundHereBreaksNa1) {
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-1");
  h.put(pod("a").on("n2"));
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-1");
}

TEST_F(Agents, RunningAContainerTwiceBreaksNa1) {
  h.put(a());
  h.container_starts(container("main"));
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-1");
}

TEST_F(Agents, RunningAPodThatHasEndedBreaksNa1) {
  h.put(a("Never"));
  h.put(a("Never").phase("Succeeded"), kAgent);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-1");
}

TEST_F(Agents, APhaseThatGoesBackBreaksNa2) {
  h.put(a().phase("Pending")).put(a().phase("Running")).put(a().phase("Failed"));
  EXPECT_EQ(h.broken(), "");
  h.put(a().phase("Succeeded"));
  EXPECT_EQ(h.broken(), "NA-2");
  h.put(a().phase("Running"));
  EXPECT_EQ(h.broken(), "NA-2");
}

TEST_F(Agents, ARestartCountThatFallsBreaksNa2) {
  h.put(a().restarts(2)).put(a().restarts(3));
  EXPECT_EQ(h.broken(), "");
  h.put(a().restarts(2));
  EXPECT_EQ(h.broken(), "NA-2");
}

TEST_F(Agents, RemovingAPodThatRunsBreaksNa3) {
  h.put(a());
  h.container_starts(container("main"));
  h.remove(a(), kAgent);
  EXPECT_EQ(h.broken(), "NA-3");
}

TEST_F(Agents, RemovingAPodThatHasStoppedIsRight) {
  h.put(a());
  h.container_starts(container("main"));
  stops("main", 0);
  h.remove(a(), kAgent);
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("NA-3"), 1u);
}

TEST_F(Agents, InitContainersComeFirstAndInOrder) {
  const auto with_inits = a().with([](auto& m) {
    for (const char* name : {"one", "two"}) m.mutable_spec()->add_init_containers()->set_name(name);
  });
  h.put(with_inits);
  h.container_starts(container("one", true));
  stops("one", 0, true);
  h.container_starts(container("two", true));
  stops("two", 0, true);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "");
  h.container_starts(container("two", true, "sb-2"));
  EXPECT_EQ(h.broken(), "NA-4") << "the first has not run in the new sandbox";
}

TEST_F(Agents, StartingBeforeAnInitContainerHasSucceededBreaksNa4) {
  h.put(a().with([](auto& m) { m.mutable_spec()->add_init_containers()->set_name("one"); }));
  h.container_starts(container("one", true));
  stops("one", 1, true);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-4");
}

TEST_F(Agents, RestartingBeforeTheBackOffIsOverBreaksNa4) {
  h.put(a());
  h.container_starts(container("main"));
  stops("main", 1);
  h.container_starts(container("main"));  // the first restart is at once
  stops("main", 1);
  h.pass(10s);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "");
  stops("main", 1);
  h.pass(10s);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-4") << "it has doubled";
}

TEST_F(Agents, ALongLifeResetsTheBackOff) {
  h.put(a());
  for (int i = 0; i < 4; ++i) {
    h.container_starts(container("main"));
    h.pass(601s);
    stops("main", 1);
  }
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Agents, RestartingUnderNeverBreaksNa4) {
  h.put(a("Never"));
  h.container_starts(container("main"));
  stops("main", 1);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-4");
}

TEST_F(Agents, UnderOnFailureOnlyWhatFailedIsRestarted) {
  h.put(a("OnFailure"));
  h.container_starts(container("main"));
  stops("main", 1);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "");
  stops("main", 0);
  h.pass(60s);
  h.container_starts(container("main"));
  EXPECT_EQ(h.broken(), "NA-4");
}

TEST_F(Agents, AnInitContainerThatFailsUnderNeverIsNotTriedAgain) {
  h.put(a("Never").with([](auto& m) { m.mutable_spec()->add_init_containers()->set_name("one"); }));
  h.container_starts(container("one", true));
  stops("one", 1, true);
  h.pass(60s);
  h.container_starts(container("one", true));
  EXPECT_EQ(h.broken(), "NA-4");
}

struct Terminating : Agents {
  static PodBuilder deleted(int64_t grace) {
    return a().deleting().with([&](auto& m) {
      m.mutable_metadata()->set_deletion_grace_period_seconds(grace);
    });
  }
  void SetUp() override {
    h.put(a());
    h.container_starts(container("main"));
    h.put(deleted(30));
  }
};

TEST_F(Terminating, BeingKilledWhenTheGracePeriodIsOverIsRight) {
  h.pass(30s);
  stops("main", 137);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Terminating, BeingKilledEarlierBreaksNa4) {
  h.pass(20s);
  stops("main", 137);
  EXPECT_EQ(h.broken(), "NA-4");
}

TEST_F(Terminating, GoingByItselfOrAfterAShorterPeriodIsRight) {
  h.pass(1s);
  stops("main", 0);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Terminating, TheGracePeriodMayBeShortened) {
  h.pass(1s);
  h.put(deleted(0));
  stops("main", 137);
  EXPECT_EQ(h.broken(), "");
}

// With a machine "n1" that has power and an agent.
struct Recovery : Agents {
  static WorldOptions one_node() {
    WorldOptions options;
    options.pools.push_back({});
    options.pools[0].prefix = "n";
    options.pools[0].count = 1;
    options.pools[0].capacity = {{"cpu", "4"}, {"memory", "8Gi"}};
    return options;
  }
  History h{add_agent_checks, one_node()};

  static PodBuilder running() {
    return a().ready().with([](auto& m) {
      auto* status = m.mutable_status()->add_container_statuses();
      status->set_name("main");
      status->set_ready(true);
      status->mutable_state()->mutable_running();
    });
  }
  void SetUp() override {
    h.world().start();
    h.put(a());
    h.container_starts(container("main"));
    h.put(running(), kAgent);
    h.pass(10s);
  }
};

TEST_F(Recovery, WhatRunsAsItShouldIsSettled) {
  EXPECT_EQ(h.pending(), "");
}

TEST_F(Recovery, WhatDoesNotIsPending) {
  agent::ContainerInfo info = container("main");
  info.exit_code = 1;
  h.container_stops(info);
  EXPECT_EQ(h.pending(), "NA-6: its container main does not run on node n1");
  h.container_starts(container("main"));
  h.put(running().not_ready(), kAgent);
  EXPECT_EQ(h.pending(), "NA-6: runs, but is not Ready on node n1");
  h.put(running().with([](auto& m) {
    m.mutable_status()->mutable_container_statuses(0)->set_restart_count(1);
  }), kAgent);
  EXPECT_EQ(h.pending(),
            "NA-6: its container main has been restarted, which is not reported on node n1");
  h.remove(running());
  EXPECT_EQ(h.pending(), "NA-6: runs, but is not in the API any more on node n1");
}

TEST_F(Recovery, AnAgentThatStopsWhatItFoundHealthyBreaksNa6) {
  h.killed(kAgent);
  h.pass(2s);
  agent::ContainerInfo info = container("main");
  info.exit_code = 137;
  info.reason = "Error";
  h.container_stops(info);
  EXPECT_EQ(h.broken(), "NA-6");
}

TEST_F(Recovery, AnAgentThatReportsItAsNotReadyBreaksNa6) {
  h.killed(kAgent);
  h.pass(2s);
  h.put(running().not_ready(), kAgent);
  EXPECT_EQ(h.broken(), "NA-6");
}

TEST_F(Recovery, WithoutARestartBothAreTheAgentsBusiness) {
  h.put(running().not_ready(), kAgent);
  agent::ContainerInfo info = container("main");
  info.exit_code = 137;
  info.reason = "Error";
  h.container_stops(info);
  EXPECT_EQ(h.broken(), "");
}

}  // namespace
}  // namespace keelson::sim::test
