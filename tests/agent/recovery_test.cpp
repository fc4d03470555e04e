// Restarts of the agent, lost answers, stale views: what runs goes on running, nothing runs twice.
#include <ostream>

#include "core/client/lost_history.hpp"
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using RecoveryTest = AgentTest;

TEST_F(RecoveryTest, AdoptsWhatRunsWithoutRestartsOrWrites) {
  start();
  api.put(web().with([](api::Pod& pod) {
    exec(*pod.mutable_spec()->mutable_containers(0)->mutable_readiness_probe(), "ready");
  }));
  loop.run_for(20s);
  ASSERT_EQ(condition("Ready"), "True");
  const int writes = status_writes();
  loop.run_for(700ms);
  restart();
  loop.run_for(60s);
  EXPECT_EQ(runtime.count("start"), 1);
  EXPECT_EQ(runtime.count("stop"), 0);
  EXPECT_EQ(status_writes(), writes);  // in particular no flap of Ready
  // And it is looked after: a failing probe is noticed.
  runtime.probes["ready"] = agent::ProbeResult::failure;
  loop.run_for(40s);
  EXPECT_EQ(condition("Ready"), "False");
}

TEST_F(RecoveryTest, ReportsWhatHappenedWhileItWasAway) {
  start();
  api.put(web("a"));
  api.put(job("b", "Never"));
  loop.run_for(2s);
  kill();
  runtime.exit("main", 0);
  runtime.exit("main", 0);
  loop.run_for(60s);
  restart();
  loop.run_for(2s);
  EXPECT_EQ(status("b").phase(), "Succeeded");
  EXPECT_EQ(status("a").phase(), "Running");
  EXPECT_EQ(container(0, "a").restart_count(), 1);
  EXPECT_EQ(runtime.running("main"), 1);
}

// The predecessor's start came late: the container runs, so it cannot be started (again).
TEST_F(RecoveryTest, AStartThatIsRefusedBecauseItRunsMakesNoSecondInstance) {
  runtime.hints = false;
  runtime.fail("start", {.code = Code::conflict, .happens = true});
  start();
  api.put(web());
  loop.run_for(60s);
  EXPECT_EQ(runtime.count("create"), 1);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(RecoveryTest, BackOffSurvivesARestart) {
  start();
  api.put(web());
  loop.run_for(2s);
  for (int i = 0; i < 4; ++i) {  // waits of 0, 10, 20, 40 s
    runtime.exit("main", 1);
    loop.run_for(i == 3 ? 1s : 45s);
  }
  ASSERT_EQ(runtime.running("main"), 0);
  restart();
  loop.run_for(30s);
  EXPECT_EQ(runtime.running("main"), 0);
  loop.run_for(15s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(container().restart_count(), 4);
}

TEST_F(RecoveryTest, RestartCountsNeverFallAfterARebootThatLostEverything) {
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.exit("main", 1);
  loop.run_for(2s);
  ASSERT_EQ(container().restart_count(), 1);
  kill();
  FakeRuntime fresh(loop);  // another disk
  agent = std::make_unique<agent::Agent>(loop, api, fresh, Rng(7), log, options);
  agent->start();
  loop.run_for(3s);
  EXPECT_EQ(fresh.running("main"), 1);
  EXPECT_EQ(container().restart_count(), 2);
  EXPECT_EQ(container().last_state().terminated().reason(), "ContainerStatusUnknown");
  EXPECT_EQ(container().last_state().terminated().exit_code(), 137);
  EXPECT_EQ(status().phase(), "Running");
  agent.reset();
}

TEST_F(RecoveryTest, ContinuesATermination) {
  runtime.term_times["main"] = 5s;
  start();
  api.put(web());
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(1s);
  restart();
  loop.run_for(10s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u);
}

TEST_F(RecoveryTest, TerminalPodsAreNotRunAgain) {
  start();
  api.put(job("web", "OnFailure"));
  loop.run_for(2s);
  runtime.exit("main", 0);
  loop.run_for(2s);
  ASSERT_EQ(status().phase(), "Succeeded");
  kill();
  FakeRuntime fresh(loop);
  agent = std::make_unique<agent::Agent>(loop, api, fresh, Rng(7), log, options);
  agent->start();
  loop.run_for(30s);
  EXPECT_EQ(fresh.count("run_sandbox"), 0);
  EXPECT_EQ(status().phase(), "Succeeded");
  agent.reset();
}

TEST_F(RecoveryTest, OrphansAreRemoved) {
  runtime.plant("unknown-uid", "main", true);
  runtime.plant("other-uid", "main", false);
  start();
  loop.run_for(5s);
  EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u);
  EXPECT_EQ(runtime.last("stop")->grace, Duration(2s));
}

TEST_F(RecoveryTest, OrphansStayUntilTheApiHasSpoken) {
  runtime.plant("unknown-uid", "main", true);
  api.down = true;
  start();
  loop.run_for(60s);
  EXPECT_EQ(runtime.running("main"), 1);
  api.down = false;
  loop.run_for(20s);
  EXPECT_EQ(runtime.container_count(), 0u);
}

TEST_F(RecoveryTest, NothingStartsBeforeTheRuntimeHasSpoken) {
  runtime.fail("list", {Code::unavailable}, 10);
  api.put(web());
  start();
  loop.run_for(2s);
  EXPECT_EQ(runtime.count("run_sandbox"), 0);
  loop.run_for(60s);
  EXPECT_EQ(status().phase(), "Running");
}

TEST_F(RecoveryTest, NothingStartsOnAViewOlderThanBefore) {
  start();
  api.put(web());
  loop.run_for(2s);
  const api::Revision then = api.history().current();
  remove("web", 1);
  loop.run_for(5s);
  ASSERT_EQ(object("web"), nullptr);
  kill();
  api.lag = then;
  api.lies = true;
  const int starts = runtime.count("start");
  restart();
  loop.run_for(30s);
  EXPECT_EQ(runtime.count("start"), starts);
  api.lag.reset();
  api.lies = false;
  loop.run_for(30s);
  EXPECT_EQ(runtime.count("start"), starts);
  EXPECT_EQ(runtime.sandbox_count(), 0u);
}

struct Lost {
  const char* call;
  bool happens;
  Duration late;
};
void PrintTo(const Lost& lost, std::ostream* out) {
  *out << lost.call << (lost.happens ? " happens after " : " does not happen ") << lost.late / 1ms;
}
class LostAnswers : public AgentTest, public ::testing::WithParamInterface<Lost> {};

TEST_P(LostAnswers, NeverRunAContainerTwiceAndConverge) {
  const Lost lost = GetParam();
  start();
  runtime.fail(lost.call, {Code::unknown, lost.happens, lost.late}, 2);
  api.put(web());
  loop.run_for(90s);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(runtime.running(), 1);
  EXPECT_EQ(runtime.sandbox_count(), 1u);
  EXPECT_LE(runtime.container_count(), 2u);
  runtime.fail(lost.call, {Code::unknown, lost.happens, lost.late}, 2);
  remove("web", 5);
  loop.run_for(90s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Calls, LostAnswers,
    ::testing::Values(Lost{"run_sandbox", false, 0s}, Lost{"run_sandbox", true, 0s},
                      Lost{"run_sandbox", true, 3s}, Lost{"create", false, 0s},
                      Lost{"create", true, 0s}, Lost{"create", true, 3s}, Lost{"start", false, 0s},
                      Lost{"start", true, 0s}, Lost{"start", true, 3s}, Lost{"stop", false, 0s},
                      Lost{"stop", true, 0s}, Lost{"stop", true, 3s}, Lost{"remove", false, 0s},
                      Lost{"remove", true, 1s}, Lost{"stop_sandbox", true, 0s},
                      Lost{"remove_sandbox", false, 0s}, Lost{"remove_sandbox", true, 2s},
                      Lost{"list", false, 0s}, Lost{"pull", true, 0s}));

TEST_F(RecoveryTest, RestartsOfTheAgentAtEveryMomentOfAStart) {
  runtime.latency = 5ms;
  runtime.pull_time = 20ms;
  for (int step = 0; step < 50; ++step) {
    const std::string name = "p" + std::to_string(step);
    if (!agent) start();
    api.put(web(name));
    loop.run_for(step * 1ms);
    restart();
    loop.run_for(5s);
    ASSERT_EQ(status(name).phase(), "Running") << step;
    EXPECT_EQ(runtime.running("main"), 1) << step;
    remove(name, 5);
    loop.run_for(step * 1ms);
    restart();
    loop.run_for(10s);
    ASSERT_EQ(object(name), nullptr) << step;
    EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u) << step;
  }
}

TEST_F(RecoveryTest, DuplicatesThatALostAnswerLeftAreRemoved) {
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.plant(object("web")->uid(), "main", false);
  loop.run_for(5s);
  EXPECT_EQ(runtime.container_count(), 1u);
  EXPECT_EQ(runtime.sandbox_count(), 1u);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(container().restart_count(), 0);
}

// The store falls back to before a pod was bound, which runs and takes its time to end.
TEST_F(RecoveryTest, AfterLostHistoryItSaysWhatItIsDoing) {
  const auto said = [&](std::string_view annotation) {
    node();
    return client::said_as_of(*api.history().find({api::Kind::nodes, "", "n1"}), annotation);
  };
  start();
  loop.run_for(2s);
  // Agents that never say so are not waited for.
  EXPECT_EQ(node().metadata().annotations().at(std::string(client::agrees_annotation)), "0");
  const api::Revision kept = api.history().current();
  api.put(web());
  loop.run_for(5s);
  ASSERT_EQ(runtime.running("main"), 1);
  runtime.term_time = 20s;
  ASSERT_TRUE(api.history().fail_over(kept, kept.value + client::epoch_gap).ok());
  api.expire_watches();
  loop.run_for(5s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_GE(said(client::ends_annotation), client::epoch_gap);
  EXPECT_EQ(said(client::agrees_annotation), 0u);
  // A restart does not make it forget what it has to end, nor say that it has.
  restart();
  EXPECT_EQ(runtime.running("main"), 1);
  while (runtime.running("main") > 0) {
    ASSERT_EQ(said(client::agrees_annotation), 0u);
    loop.run_for(100ms);
  }
  loop.run_for(5s);
  EXPECT_GE(said(client::agrees_annotation), client::epoch_gap);
  const uint64_t agreed = said(client::agrees_annotation);
  restart();
  loop.run_for(5s);
  EXPECT_EQ(said(client::agrees_annotation), agreed);
}

// Somebody has taken the Node's annotations away: they are its agent's to say.
TEST_F(RecoveryTest, ItGoesOnSayingThatItReports) {
  start();
  api::Node stripped = node();
  stripped.mutable_metadata()->clear_annotations();
  api.put(api::make_object(std::move(stripped)));
  loop.run_for(3s);
  EXPECT_TRUE(node().metadata().annotations().contains(std::string(client::agrees_annotation)));
}

TEST_F(RecoveryTest, AnAgentCanGoAtAnyTime) {
  for (int step = 0; step < 60; ++step) {
    options.incarnation = static_cast<uint64_t>(step + 1);
    agent = std::make_unique<agent::Agent>(loop, api, runtime, Rng(7), log, options);
    agent->start();
    api.put(web("p" + std::to_string(step)));
    loop.run_for(step * 1ms);
    agent.reset();
    loop.run_for(1s);  // late answers find nobody
  }
  EXPECT_GT(runtime.count("list"), 10);
}

}  // namespace
}  // namespace keelson::test
