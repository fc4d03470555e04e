// Startup, liveness and readiness.
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using agent::ProbeResult;
using ProbeTest = AgentTest;

api::Container& main_of(api::Pod& pod) {
  return *pod.mutable_spec()->mutable_containers(0);
}

TEST_F(ProbeTest, ReadinessDecidesWhenAPodIsReady) {
  runtime.probes["ready"] = ProbeResult::failure;
  start();
  api.put(
      web().with([](api::Pod& pod) { exec(*main_of(pod).mutable_readiness_probe(), "ready"); }));
  loop.run_for(15s);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(condition("Ready"), "False");
  EXPECT_TRUE(container().started());
  runtime.probes["ready"] = ProbeResult::success;
  loop.run_for(10s);
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_LE(status_writes(), 3);
  runtime.probes["ready"] = ProbeResult::failure;
  loop.run_for(25s);
  EXPECT_EQ(condition("Ready"), "True");  // two failures of three
  loop.run_for(10s);
  EXPECT_EQ(condition("Ready"), "False");
  EXPECT_EQ(runtime.running("main"), 1);  // not restarted for it
}

TEST_F(ProbeTest, SuccessThresholdAndInitialDelay) {
  start();
  api.put(web().with([](api::Pod& pod) {
    api::Probe& probe = *main_of(pod).mutable_readiness_probe();
    exec(probe, "ready");
    probe.set_initial_delay_seconds(20);
    probe.set_period_seconds(5);
    probe.set_success_threshold(3);
  }));
  loop.run_for(19s);
  EXPECT_EQ(runtime.count("probe"), 0);
  loop.run_for(10s);  // probes at 20 s and 25 s
  EXPECT_EQ(runtime.count("probe"), 2);
  EXPECT_EQ(condition("Ready"), "False");
  loop.run_for(3s);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(ProbeTest, LivenessRestartsAfterTheThreshold) {
  start();
  api.put(web().with([](api::Pod& pod) { exec(*main_of(pod).mutable_liveness_probe(), "live"); }));
  loop.run_for(5s);
  EXPECT_EQ(condition("Ready"), "True");
  runtime.probes["live"] = ProbeResult::failure;
  loop.run_for(20s);
  EXPECT_EQ(runtime.count("stop"), 0);
  loop.run_for(10s);
  EXPECT_EQ(runtime.count("stop"), 1);
  EXPECT_EQ(runtime.last("stop")->grace, Duration(30s));
  runtime.probes["live"] = ProbeResult::success;
  loop.run_for(3s);
  EXPECT_EQ(container().restart_count(), 1);
  EXPECT_EQ(container().last_state().terminated().exit_code(), 143);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(ProbeTest, LivenessOfAPodThatNeverRestartsFailsIt) {
  runtime.probes["live"] = ProbeResult::failure;
  start();
  api.put(job("web", "Never").with([](api::Pod& pod) {
    exec(*main_of(pod).mutable_liveness_probe(), "live");
    main_of(pod).mutable_liveness_probe()->set_termination_grace_period_seconds(5);
  }));
  loop.run_for(40s);
  EXPECT_EQ(status().phase(), "Failed");
  EXPECT_EQ(runtime.last("stop")->grace, Duration(5s));
  EXPECT_EQ(runtime.count("start"), 1);
}

TEST_F(ProbeTest, StartupHoldsTheOthersBack) {
  runtime.probes["up"] = ProbeResult::failure;
  runtime.probes["live"] = ProbeResult::failure;
  start();
  api.put(web().with([](api::Pod& pod) {
    exec(*main_of(pod).mutable_startup_probe(), "up");
    main_of(pod).mutable_startup_probe()->set_failure_threshold(30);
    exec(*main_of(pod).mutable_liveness_probe(), "live");
  }));
  loop.run_for(100s);
  EXPECT_EQ(runtime.count("stop"), 0);
  EXPECT_EQ(condition("Ready"), "False");
  EXPECT_FALSE(container().started());
  runtime.probes["live"] = ProbeResult::success;
  runtime.probes["up"] = ProbeResult::success;
  loop.run_for(11s);
  EXPECT_TRUE(container().started());
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(ProbeTest, StartupThatNeverSucceedsRestarts) {
  runtime.probes["up"] = ProbeResult::failure;
  start();
  api.put(web().with([](api::Pod& pod) { exec(*main_of(pod).mutable_startup_probe(), "up"); }));
  loop.run_for(25s);
  EXPECT_EQ(container().restart_count(), 1);
}

TEST_F(ProbeTest, InitialDelaysCountFromTheContainersStart) {
  start();
  api.put(web().with([](api::Pod& pod) {
    exec(*main_of(pod).mutable_liveness_probe(), "live");
    main_of(pod).mutable_liveness_probe()->set_initial_delay_seconds(300);
  }));
  loop.run_for(295s);
  restart();
  EXPECT_EQ(runtime.count("probe"), 0);
  loop.run_for(10s);
  EXPECT_GE(runtime.count("probe"), 1);
}

TEST_F(ProbeTest, NoAnswerInTimeIsAFailure) {
  runtime.latency = 2s;  // longer than the timeout of a second
  start();
  api.put(
      web().with([](api::Pod& pod) { exec(*main_of(pod).mutable_readiness_probe(), "ready"); }));
  loop.run_for(60s);
  EXPECT_GE(runtime.count("probe"), 3);
  EXPECT_EQ(condition("Ready"), "False");
}

TEST_F(ProbeTest, FailuresAreToldAsEvents) {
  options.record_events = agent::RecordEvents::warnings;
  runtime.probes["ready"] = ProbeResult::failure;
  runtime.probe_output = "the database is away";
  start();
  api.put(
      web().with([](api::Pod& pod) { exec(*main_of(pod).mutable_readiness_probe(), "ready"); }));
  loop.run_for(5s);
  EXPECT_EQ(events(), (std::vector<std::string>{
                          "Unhealthy: Readiness probe failed: the database is away"}));
}

TEST_F(ProbeTest, WhatAProbeSaysIsBounded) {
  options.record_events = agent::RecordEvents::warnings;
  runtime.probes["ready"] = ProbeResult::failure;
  runtime.probe_output = std::string(1'000'000, 'x');
  start();
  api.put(
      web().with([](api::Pod& pod) { exec(*main_of(pod).mutable_readiness_probe(), "ready"); }));
  loop.run_for(5s);
  ASSERT_EQ(events().size(), 1u);
  EXPECT_LE(events()[0].size(), 1024 + std::string("Unhealthy: ").size()) << "as an Event may be";
}

}  // namespace
}  // namespace keelson::test
