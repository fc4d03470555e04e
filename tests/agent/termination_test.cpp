// Graceful termination: what ends in which order, and how long it is given.
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using TerminationTest = AgentTest;

void pre_stop(api::Pod& pod, const std::string& word) {
  pod.mutable_spec()
      ->mutable_containers(0)
      ->mutable_lifecycle()
      ->mutable_pre_stop()
      ->mutable_exec()
      ->add_command(word);
}

TEST_F(TerminationTest, ContainersThenSandboxThenTheObject) {
  runtime.term_times["main"] = 3s;
  start();
  api.put(web());
  loop.run_for(2s);
  const std::string uid = object("web")->uid();
  remove("web", 30);
  loop.run_for(1s);
  EXPECT_EQ(condition("Ready"), "True");  // it still serves; that it is leaving is known
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(runtime.last("stop")->grace, Duration(30s));
  loop.run_for(3s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(runtime.container_count(), 0u);
  EXPECT_EQ(runtime.sandbox_count(), 0u);
  const api::Request* last = nullptr;
  for (const api::Request& r : api.requests()) {
    if (r.verb == api::Verb::remove) last = &r;
  }
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->grace_period_seconds, 0);
  EXPECT_EQ(last->expected.uid, uid);
  EXPECT_EQ(api.count(api::Verb::remove), 1);
}

TEST_F(TerminationTest, AReadyPodServesOnUntilItsDeletionIsKnown) {
  options.leave_delay = 1s;
  start();
  api.put(web());
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(900ms);
  EXPECT_EQ(runtime.last("stop"), nullptr);
  loop.run_for(200ms);
  ASSERT_NE(runtime.last("stop"), nullptr);
  loop.run_for(2s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, NobodyWaitsForAPodThatWasNotReadyOrIsForced) {
  options.leave_delay = 10s;
  start();
  api.put(web().with([](api::Pod& pod) {
    exec(*pod.mutable_spec()->mutable_containers(0)->mutable_readiness_probe(), "ready");
  }));
  runtime.probes["ready"] = agent::ProbeResult::failure;
  api.put(web("forced"));
  loop.run_for(5s);
  ASSERT_EQ(condition("Ready"), "False");
  ASSERT_EQ(condition("Ready", "forced"), "True");
  remove("web", 30);
  remove("forced", 0);
  loop.run_for(2s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(object("forced"), nullptr);
}

TEST_F(TerminationTest, WithoutAProbeAContainerIsReadyWhenItHasRunForAWhile) {
  options.ready_delay = 500ms;
  start();
  api.put(web());
  loop.run_for(400ms);
  ASSERT_EQ(status().phase(), "Running");
  EXPECT_EQ(condition("Ready"), "False");
  loop.run_for(600ms);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(TerminationTest, ReadinessIsProbedToTheEndAndNothingElse) {
  runtime.term_times["main"] = 1000s;
  start();
  api.put(web().with([](api::Pod& pod) {
    api::Container& main = *pod.mutable_spec()->mutable_containers(0);
    exec(*main.mutable_readiness_probe(), "ready");
    exec(*main.mutable_liveness_probe(), "live");
  }));
  loop.run_for(5s);
  remove("web", 60);
  loop.run_for(1s);
  EXPECT_EQ(condition("Ready"), "True");
  runtime.probes["ready"] = runtime.probes["live"] = agent::ProbeResult::failure;
  runtime.calls.clear();
  loop.run_for(40s);
  EXPECT_EQ(condition("Ready"), "False");
  const std::vector<std::string> probed = runtime.order("probe");
  EXPECT_EQ(std::count(probed.begin(), probed.end(), "live"), 0);
  EXPECT_EQ(runtime.count("stop"), 0) << "one was sent when the deletion came";
  loop.run_for(30s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, SaysThatADeletedPodServesNoMoreIfItsEndTakesLong) {
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.fail("remove", {Code::unavailable}, 5);
  const int before = status_writes();
  remove("web", 30);
  loop.run_for(500ms);
  EXPECT_EQ(runtime.running(), 0);
  EXPECT_EQ(condition("Ready"), "True");
  loop.run_for(1500ms);
  EXPECT_EQ(condition("Ready"), "False");
  EXPECT_EQ(status_writes(), before + 1);
  loop.run_for(10s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, StubbornContainersAreKilledWhenTheGraceIsOver) {
  runtime.term_times["main"] = 1000s;
  start();
  api.put(web());
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(29s);
  EXPECT_EQ(runtime.running("main"), 1);
  loop.run_for(2s);
  EXPECT_EQ(runtime.running("main"), 0);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, AllContainersAreStoppedTogether) {
  runtime.term_times["main"] = runtime.term_times["second"] = 1000s;
  start();
  api.put(web().with([](api::Pod& pod) {
    *pod.mutable_spec()->add_containers() = pod.spec().containers(0);
    pod.mutable_spec()->mutable_containers(1)->set_name("second");
  }));
  loop.run_for(2s);
  remove("web", 10);
  loop.run_for(11s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, PreStopRunsInsideTheGrace) {
  runtime.hook_times["drain"] = 8s;
  start();
  api.put(web().with([](api::Pod& pod) { pre_stop(pod, "drain"); }));
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(7s);
  EXPECT_EQ(runtime.count("stop"), 0);
  loop.run_for(2s);
  ASSERT_EQ(runtime.count("stop"), 1);
  EXPECT_EQ(runtime.last("stop")->grace, Duration(22s));
}

TEST_F(TerminationTest, PreStopThatUsesUpTheGraceLeavesTwoSeconds) {
  runtime.hook_times["drain"] = 100s;
  start();
  api.put(web().with([](api::Pod& pod) { pre_stop(pod, "drain"); }));
  loop.run_for(2s);
  const Instant begun = loop.now();
  remove("web", 10);
  loop.run_for(11s);
  ASSERT_EQ(runtime.count("stop"), 1);
  EXPECT_EQ(runtime.last("stop")->grace, Duration(2s));
  EXPECT_EQ(runtime.last("stop")->at - begun, Duration(10s));
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, PreStopSleepNeedsNoRuntime) {
  start();
  api.put(web().with([](api::Pod& pod) {
    pod.mutable_spec()
        ->mutable_containers(0)
        ->mutable_lifecycle()
        ->mutable_pre_stop()
        ->mutable_sleep()
        ->set_seconds(5);
  }));
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(4s);
  EXPECT_EQ(runtime.count("stop"), 0);
  loop.run_for(2s);
  EXPECT_EQ(runtime.count("stop"), 1);
  EXPECT_EQ(runtime.count("hook"), 0);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, ASecondDeletionShortensTheGrace) {
  runtime.term_times["main"] = 1000s;
  start();
  api.put(web());
  loop.run_for(2s);
  remove("web", 300);
  loop.run_for(5s);
  EXPECT_EQ(runtime.last("stop")->grace, Duration(300s));
  remove("web", 5);
  loop.run_for(1s);
  EXPECT_EQ(runtime.last("stop")->grace, Duration(5s));
  EXPECT_EQ(runtime.count("stop"), 2);
  loop.run_for(6s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(TerminationTest, DeletedWhileItsImageIsPulled) {
  runtime.pull_time = 300s;
  start();
  api.put(web());
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(2s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(runtime.sandbox_count(), 0u);
  loop.run_for(600s);
  EXPECT_EQ(runtime.count("create"), 0);
}

TEST_F(TerminationTest, DeletedWhileItsContainerIsCreatedAndStarted) {
  for (int step = 0; step < 40; ++step) {
    const std::string name = "p" + std::to_string(step);
    if (!agent) {
      runtime.latency = 5ms;
      runtime.pull_time = 20ms;
      start();
    }
    api.put(web(name));
    loop.run_for(step * 1ms);
    remove(name, 5);
    loop.run_for(10s);
    EXPECT_EQ(object(name), nullptr) << step;
    EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u) << step;
  }
}

TEST_F(TerminationTest, DeletedInCrashLoopDoesNotWaitForTheBackOff) {
  start();
  api.put(web());
  loop.run_for(2s);
  for (int i = 0; i < 2; ++i) {
    runtime.exit("main", 1);
    loop.run_for(100ms);
  }
  ASSERT_EQ(runtime.running(), 0);
  remove("web", 30);
  loop.run_for(2s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(runtime.container_count(), 0u);
}

TEST_F(TerminationTest, AForciblyDeletedPodIsEndedToo) {
  runtime.term_times["main"] = 3s;
  start();
  api.put(web());
  loop.run_for(2s);
  api.erase({api::Kind::pods, "default", "web"});
  loop.run_for(1s);
  EXPECT_EQ(runtime.count("stop"), 1);
  loop.run_for(4s);
  EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u);
  EXPECT_EQ(api.count(api::Verb::remove), 0);
}

TEST_F(TerminationTest, APodThatOthersDeclareFailedIsEnded) {
  start();
  api.put(web());
  loop.run_for(2s);
  ASSERT_EQ(runtime.running(), 1);
  change("web", [](api::Pod& pod) {
    pod.mutable_status()->set_phase("Failed");
    pod.mutable_status()->set_reason("Evicted");
  });
  loop.run_for(5s);
  EXPECT_EQ(runtime.running(), 0);
  EXPECT_EQ(status().phase(), "Failed");
  EXPECT_EQ(status().reason(), "Evicted");
}

TEST_F(TerminationTest, ASuccessorOfTheSameNameWaitsForItsPredecessor) {
  runtime.term_times["main"] = 10s;
  start();
  api.put(web());
  loop.run_for(2s);
  api.erase({api::Kind::pods, "default", "web"});
  api.put(web().uid("another"));
  loop.run_for(5s);
  EXPECT_EQ(runtime.count("start"), 1);
  EXPECT_EQ(runtime.running("main"), 1);
  loop.run_for(10s);
  EXPECT_EQ(runtime.count("start"), 2);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(container().restart_count(), 0);
}

TEST_F(TerminationTest, AJobPodReportsHowItEndedBeforeItGoes) {
  runtime.term_times["main"] = 2s;
  start();
  api.put(job("web", "Never"));
  loop.run_for(2s);
  remove("web", 30);
  loop.run_for(5s);
  EXPECT_EQ(object("web"), nullptr);
  const api::Pod* last = nullptr;
  for (const api::Request& r : api.requests()) {
    if (r.subresource == api::Subresource::status && r.kind == api::Kind::pods) {
      last = static_cast<const api::Pod*>(r.body.get());
    }
  }
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->status().phase(), "Failed");
  EXPECT_EQ(last->status().container_statuses(0).state().terminated().exit_code(), 143);
}

TEST_F(TerminationTest, TheFinalDeleteIsRepeatedUntilItIsCertain) {
  start();
  api.put(web());
  loop.run_for(2s);
  remove("web", 1);
  loop.run_for(5ms);
  api.down = true;
  loop.run_for(30s);
  EXPECT_EQ(runtime.container_count() + runtime.sandbox_count(), 0u);
  EXPECT_NE(object("web"), nullptr);
  api.down = false;
  loop.run_for(20s);
  EXPECT_EQ(object("web"), nullptr);
}

}  // namespace
}  // namespace keelson::test
