// Starting, restarting, ending of pods.
#include "core/agent/backoff.hpp"
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using LifecycleTest = AgentTest;

api::Container& add_init(api::Pod& pod, const std::string& name, bool sidecar = false) {
  api::Container& c = *pod.mutable_spec()->add_init_containers();
  c.set_name(name);
  c.set_image("busybox:1");
  if (sidecar) c.set_restart_policy("Always");
  return c;
}
api::Container& add_main(api::Pod& pod, const std::string& name) {
  api::Container& c = *pod.mutable_spec()->add_containers();
  c.set_name(name);
  c.set_image("busybox:1");
  return c;
}

TEST_F(LifecycleTest, StartsAPodAndSaysSoInFewWrites) {
  start();
  api.put(web());
  loop.run_for(2s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(condition("ContainersReady"), "True");
  EXPECT_EQ(condition("Initialized"), "True");
  EXPECT_EQ(condition("PodReadyToStartContainers"), "True");
  EXPECT_EQ(condition("PodScheduled"), "True");
  EXPECT_EQ(status().pod_ip(), "10.1.0.1");
  EXPECT_EQ(status().pod_ips(0).ip(), "10.1.0.1");
  EXPECT_EQ(status().host_ip(), "192.168.0.1");
  EXPECT_EQ(status().qos_class(), "BestEffort");
  EXPECT_TRUE(status().has_start_time());
  EXPECT_TRUE(container().state().has_running());
  EXPECT_TRUE(container().ready());
  EXPECT_TRUE(container().started());
  EXPECT_EQ(container().image_id(), "sha256:nginx:1.7.9");
  EXPECT_EQ(container().container_id().substr(0, 13), "containerd://");
  EXPECT_LE(status_writes(), 3);
  const int writes = status_writes();
  loop.run_for(600s);
  EXPECT_EQ(status_writes(), writes);  // quiet afterwards
}

TEST_F(LifecycleTest, ShowsContainerCreatingWhileTheImageIsPulled) {
  runtime.pull_time = 60s;
  start();
  api.put(web());
  loop.run_for(5s);
  EXPECT_EQ(status().phase(), "Pending");
  EXPECT_EQ(container().state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(condition("Ready"), "False");
}

TEST_F(LifecycleTest, OnePullServesAllPodsOfTheImage) {
  start();
  for (const char* name : {"a", "b", "c"}) api.put(web(name));
  loop.run_for(5s);
  EXPECT_EQ(runtime.running("main"), 3);
  EXPECT_EQ(runtime.count("pull"), 1);
}

TEST_F(LifecycleTest, RestartsImmediatelyThenBacksOff) {
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.exit("main", 1);
  loop.run_for(100ms);
  EXPECT_EQ(runtime.running("main"), 1);  // the first restart does not wait
  for (const Duration wait : {Duration(10s), Duration(20s), Duration(40s), Duration(80s),
                              Duration(160s), Duration(300s), Duration(300s)}) {
    runtime.exit("main", 1);
    loop.run_for(wait - 1s);
    ASSERT_EQ(runtime.running("main"), 0) << wait / 1s;
    EXPECT_EQ(container().state().waiting().reason(), "CrashLoopBackOff");
    EXPECT_EQ(container().last_state().terminated().exit_code(), 1);
    EXPECT_EQ(status().phase(), "Running");
    EXPECT_EQ(condition("Ready"), "False");
    loop.run_for(1s + 100ms);
    ASSERT_EQ(runtime.running("main"), 1) << wait / 1s;
  }
  loop.run_for(1s);
  EXPECT_EQ(container().restart_count(), 8);
  EXPECT_EQ(condition("Ready"), "True");
  // Ten minutes of running make it a new start.
  loop.run_for(601s);
  runtime.exit("main", 1);
  loop.run_for(100ms);
  EXPECT_EQ(runtime.running("main"), 1);
  runtime.exit("main", 1);
  loop.run_for(9s);
  EXPECT_EQ(runtime.running("main"), 0);
  loop.run_for(2s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(container().restart_count(), 10);
}

TEST_F(LifecycleTest, KeepsOneDeadInstanceForItsLogs) {
  start();
  api.put(web());
  loop.run_for(2s);
  for (int i = 0; i < 4; ++i) {
    runtime.exit("main", 1);
    loop.run_for(100s);
  }
  EXPECT_EQ(runtime.container_count(), 2u);
}

TEST_F(LifecycleTest, TellsThatTheKernelKilledItForItsMemory) {
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.exit("main", 137, "OOMKilled");
  loop.run_for(2s);
  EXPECT_TRUE(container().state().has_running());
  EXPECT_EQ(container().last_state().terminated().reason(), "OOMKilled");
  EXPECT_EQ(container().last_state().terminated().exit_code(), 137);
  api.put(job("once", "Never"));
  loop.run_for(2s);
  runtime.exit("main", 0);  // of "web", the older one
  runtime.exit("main", 137, "OOMKilled");
  loop.run_for(2s);
  EXPECT_EQ(status("once").phase(), "Failed");
  EXPECT_EQ(container(0, "once").state().terminated().reason(), "OOMKilled");
}

TEST_F(LifecycleTest, SeesAnExitWithoutAHint) {
  runtime.hints = false;
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.exit("main", 1);
  loop.run_for(1500ms);  // relist_period is a second
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(container().restart_count(), 1);
}

TEST_F(LifecycleTest, NeverEndsWithTheFirstExit) {
  start();
  api.put(job("ok", "Never"));
  api.put(job("bad", "Never"));
  loop.run_for(2s);
  ASSERT_EQ(runtime.running("main"), 2);
  runtime.exit("main", 0);
  runtime.exit("main", 3);
  loop.run_for(2s);
  std::vector<std::string> phases = {status("ok").phase(), status("bad").phase()};
  std::sort(phases.begin(), phases.end());
  EXPECT_EQ(phases, (std::vector<std::string>{"Failed", "Succeeded"}));
  EXPECT_EQ(runtime.running(), 0);
  EXPECT_EQ(runtime.container_count(), 2u);  // for the logs
  loop.run_for(600s);
  EXPECT_EQ(runtime.count("start"), 2);
}

TEST_F(LifecycleTest, OnFailureRestartsUntilItSucceeds) {
  start();
  api.put(job("web", "OnFailure"));
  loop.run_for(2s);
  runtime.exit("main", 2);
  loop.run_for(1s);
  ASSERT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(status().phase(), "Running");
  runtime.exit("main", 0);
  loop.run_for(2s);
  EXPECT_EQ(status().phase(), "Succeeded");
  EXPECT_EQ(condition("Ready"), "False");
  EXPECT_EQ(container().state().terminated().reason(), "Completed");
  EXPECT_EQ(container().restart_count(), 1);
}

TEST_F(LifecycleTest, InitContainersRunOneAfterTheOther) {
  start();
  api.put(web().with([](api::Pod& pod) {
    add_init(pod, "first");
    add_init(pod, "second");
  }));
  loop.run_for(3s);
  EXPECT_EQ(runtime.order("start"), (std::vector<std::string>{"first"}));
  EXPECT_EQ(status().phase(), "Pending");
  EXPECT_EQ(condition("Initialized"), "False");
  EXPECT_EQ(container().state().waiting().reason(), "PodInitializing");
  runtime.exit("first", 1);  // restartPolicy Always: try again
  loop.run_for(1s);
  EXPECT_EQ(runtime.order("start"), (std::vector<std::string>{"first", "first"}));
  runtime.exit("first", 0);
  loop.run_for(1s);
  EXPECT_EQ(runtime.running("second"), 1);
  EXPECT_EQ(runtime.running("main"), 0);
  runtime.exit("second", 0);
  loop.run_for(1s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(condition("Initialized"), "True");
  EXPECT_EQ(status().init_container_statuses(0).name(), "first");
  EXPECT_EQ(status().init_container_statuses(0).restart_count(), 1);
  EXPECT_TRUE(status().init_container_statuses(0).ready());
}

TEST_F(LifecycleTest, FailedInitContainerFailsAPodThatNeverRestarts) {
  start();
  api.put(job("web", "Never").with([](api::Pod& pod) { add_init(pod, "first"); }));
  loop.run_for(2s);
  runtime.exit("first", 4);
  loop.run_for(2s);
  EXPECT_EQ(status().phase(), "Failed");
  EXPECT_EQ(runtime.order("start"), (std::vector<std::string>{"first"}));
}

TEST_F(LifecycleTest, SidecarStartsBeforeAndEndsAfterTheMainContainers) {
  start();
  api.put(job("web", "Never").with([](api::Pod& pod) { add_init(pod, "proxy", true); }));
  loop.run_for(3s);
  EXPECT_EQ(runtime.order("start"), (std::vector<std::string>{"proxy", "main"}));
  EXPECT_EQ(status().phase(), "Running");
  runtime.exit("proxy", 1);  // restarted whatever the pod's policy says
  loop.run_for(1s);
  EXPECT_EQ(runtime.running("proxy"), 1);
  runtime.exit("main", 0);
  loop.run_for(3s);
  EXPECT_EQ(runtime.running("proxy"), 0);
  EXPECT_EQ(status().phase(), "Succeeded");
}

TEST_F(LifecycleTest, ContainersStartInTheOrderOfTheSpec) {
  start();
  api.put(web().with([](api::Pod& pod) {
    add_main(pod, "b");
    add_main(pod, "a");
  }));
  loop.run_for(3s);
  EXPECT_EQ(runtime.order("start"), (std::vector<std::string>{"main", "b", "a"}));
  EXPECT_EQ(container(0).name(), "a");  // status is sorted by name
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(LifecycleTest, PostStartDelaysTheNextContainer) {
  runtime.hook_times["warm"] = 5s;
  start();
  api.put(web().with([](api::Pod& pod) {
    pod.mutable_spec()
        ->mutable_containers(0)
        ->mutable_lifecycle()
        ->mutable_post_start()
        ->mutable_exec()
        ->add_command("warm");
    add_main(pod, "second");
  }));
  loop.run_for(4s);
  EXPECT_EQ(runtime.running("second"), 0);
  loop.run_for(3s);
  EXPECT_EQ(runtime.running("second"), 1);
}

TEST_F(LifecycleTest, PastItsActiveDeadlineAPodFails) {
  start();
  api.put(job("web", "Never").with([](api::Pod& pod) {
    pod.mutable_spec()->set_active_deadline_seconds(60);
  }));
  loop.run_for(58s);
  EXPECT_EQ(status().phase(), "Running");
  loop.run_for(5s);
  EXPECT_EQ(status().phase(), "Failed");
  EXPECT_EQ(status().reason(), "DeadlineExceeded");
  EXPECT_EQ(runtime.running(), 0);
}

TEST_F(LifecycleTest, AnActiveDeadlineMayBeSetWhileThePodRuns) {
  start();
  api.put(web());
  loop.run_for(10s);
  change("web", [](api::Pod& pod) { pod.mutable_spec()->set_active_deadline_seconds(100); });
  loop.run_for(80s);
  ASSERT_EQ(runtime.running(), 1);
  change("web", [](api::Pod& pod) { pod.mutable_spec()->set_active_deadline_seconds(95); });
  loop.run_for(6s);  // 96 s after its start
  EXPECT_EQ(runtime.running(), 0);
  EXPECT_EQ(status().reason(), "DeadlineExceeded");
}

TEST_F(LifecycleTest, FirstPullFailureSaysWhyThenBackOff) {
  runtime.fail("pull", {Code::not_found}, 3);
  start();
  api.put(web());
  loop.run_for(1s);
  EXPECT_EQ(container().state().waiting().reason(), "ErrImagePull");
  EXPECT_EQ(status().phase(), "Pending");
  loop.run_for(10s);
  EXPECT_EQ(container().state().waiting().reason(), "ImagePullBackOff");
  EXPECT_EQ(container().state().waiting().message(), "Back-off pulling image \"nginx:1.7.9\"");
  EXPECT_EQ(runtime.count("pull"), 2);
  loop.run_for(18s);
  EXPECT_EQ(runtime.count("pull"), 2);  // 20 s after the second failure
  loop.run_for(3s);
  EXPECT_EQ(runtime.count("pull"), 3);
  loop.run_for(41s);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_FALSE(container().state().has_waiting());
}

TEST_F(LifecycleTest, NeverPullsWhatMustBePresent) {
  start();
  api.put(web().with([](api::Pod& pod) {
    pod.mutable_spec()->mutable_containers(0)->set_image_pull_policy("Never");
  }));
  loop.run_for(5s);
  EXPECT_EQ(container().state().waiting().reason(), "ErrImageNeverPull");
  EXPECT_EQ(runtime.count("pull"), 0);
}

TEST_F(LifecycleTest, MissingConfigMapHoldsTheContainerBack) {
  start();
  api.put(web().with([](api::Pod& pod) {
    auto& env = *pod.mutable_spec()->mutable_containers(0)->add_env();
    env.set_name("X");
    auto& ref = *env.mutable_value_from()->mutable_config_map_key_ref();
    ref.mutable_local_object_reference()->set_name("settings");
    ref.set_key("x");
  }));
  loop.run_for(2s);
  EXPECT_EQ(container().state().waiting().reason(), "CreateContainerConfigError");
  EXPECT_EQ(container().state().waiting().message(), "configmap \"settings\" not found");
  api::ConfigMap map;
  map.mutable_metadata()->set_namespace_("default");
  map.mutable_metadata()->set_name("settings");
  (*map.mutable_binary_data())["x"] = "no value of a variable";
  api.put(api::make_object(map));
  loop.run_for(10s);
  EXPECT_EQ(container().state().waiting().message(),
            "couldn't find key x in ConfigMap default/settings");
  map.clear_binary_data();
  (*map.mutable_data())["x"] = "1";
  api.put(api::make_object(map));
  loop.run_for(25s);
  EXPECT_EQ(status().phase(), "Running");
}

api::ObjectPtr settings(const std::string& x) {
  api::ConfigMap map;
  map.mutable_metadata()->set_namespace_("default");
  map.mutable_metadata()->set_name("settings");
  (*map.mutable_data())["x"] = x;
  return api::make_object(map);
}
// All of the settings, and twice as much again.
void use_settings(api::Pod& pod) {
  api::Container& container = *pod.mutable_spec()->mutable_containers(0);
  container.add_env_from()->mutable_config_map_ref()->mutable_local_object_reference()->set_name(
      "settings");
  auto& env = *container.add_env();
  env.set_name("Y");
  env.set_value("$(x)$(x)");
}

TEST_F(LifecycleTest, AnotherAttemptHasTheSameEnvironment) {
  for (const Code code : {Code::unknown, Code::exists, Code::unavailable, Code::not_found}) {
    const std::string name = "web-" + std::string(to_string(code));
    runtime.fail("create", {code});
    runtime.environments.clear();
    if (!agent) {
      api.put(settings("1"));
      start();
    }
    api.put(web(name).with(use_settings));
    loop.run_for(30s);
    EXPECT_EQ(status(name).phase(), "Running") << name;
    EXPECT_EQ(runtime.environments["main"], (agent::Environment{{"x", "1"}, {"Y", "11"}})) << name;
  }
}

TEST_F(LifecycleTest, AnEnvironmentThatIsTooLargeHoldsTheContainerBack) {
  options.record_events = agent::RecordEvents::all;
  api.put(settings(std::string(1 << 20, 'x')));
  start();
  api.put(web().with(use_settings));
  loop.run_for(25s);
  EXPECT_EQ(container().state().waiting().reason(), "CreateContainerError");
  EXPECT_EQ(container().state().waiting().message(), "argument list too long");
  EXPECT_EQ(runtime.count("create"), 0);
  const std::vector<std::string> told = events();
  EXPECT_EQ(std::count(told.begin(), told.end(), "Failed: Error: argument list too long"), 1);
  api.put(settings("1"));
  loop.run_for(4s);
  EXPECT_EQ(runtime.count("create"), 0);  // 10 s and 20 s after the first attempt and the second
  loop.run_for(4s);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(runtime.environments["main"], (agent::Environment{{"x", "1"}, {"Y", "11"}}));
}

TEST_F(LifecycleTest, AVariableOfAnUnknownContainerHoldsItBack) {
  start();
  api.put(web().with([](api::Pod& pod) {
    auto& env = *pod.mutable_spec()->mutable_containers(0)->add_env();
    env.set_name("X");
    auto& ref = *env.mutable_value_from()->mutable_resource_field_ref();
    ref.set_container_name("nobody");
    ref.set_resource("limits.cpu");
  }));
  loop.run_for(5s);
  EXPECT_EQ(container().state().waiting().reason(), "CreateContainerConfigError");
  EXPECT_EQ(container().state().waiting().message(), "container nobody not found");
}

TEST_F(LifecycleTest, TellsOfKeysThatAreNoVariables) {
  options.record_events = agent::RecordEvents::all;
  api::ConfigMap map = settings("1")->as<api::ConfigMap>();
  (*map.mutable_data())["a=b"] = "2";
  api.put(api::make_object(map));
  start();
  api.put(web().with(use_settings));
  loop.run_for(5s);
  EXPECT_EQ(status().phase(), "Running");
  const std::vector<std::string> told = events();
  EXPECT_EQ(std::count(told.begin(), told.end(),
                       "InvalidEnvironmentVariableNames: Keys [a=b] from the EnvFrom configMap "
                       "default/settings were skipped since they are considered invalid "
                       "environment variable names."),
            1);
}

TEST_F(LifecycleTest, MissingSecretVolumeHoldsThePodBackUnlessOptional) {
  const auto with_volume = [](bool optional) {
    return [optional](api::Pod& pod) {
      auto& volume = *pod.mutable_spec()->add_volumes();
      volume.set_name("keys");
      volume.mutable_volume_source()->mutable_secret()->set_secret_name("keys");
      if (optional) volume.mutable_volume_source()->mutable_secret()->set_optional(true);
    };
  };
  start();
  api.put(web("strict").with(with_volume(false)));
  api.put(web("lax").with(with_volume(true)));
  loop.run_for(3s);
  EXPECT_EQ(status("lax").phase(), "Running");
  EXPECT_EQ(status("strict").phase(), "Pending");
  api::Secret secret;
  secret.mutable_metadata()->set_namespace_("default");
  secret.mutable_metadata()->set_name("keys");
  api.put(api::make_object(secret));
  loop.run_for(15s);
  EXPECT_EQ(status("strict").phase(), "Running");
}

TEST_F(LifecycleTest, ANewImageRestartsTheContainer) {
  start();
  api.put(web());
  loop.run_for(2s);
  EXPECT_TRUE(container().ready());
  runtime.term_time = 500ms;
  change("web",
         [](api::Pod& pod) { pod.mutable_spec()->mutable_containers(0)->set_image("nginx:1.8"); });
  loop.run_for(200ms);
  EXPECT_EQ(runtime.count("stop"), 1);
  EXPECT_TRUE(container().ready()) << "until it has ended";
  loop.run_for(3s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(container().image_id(), "sha256:nginx:1.8");
  EXPECT_EQ(container().restart_count(), 1);
}

// Whenever the image is changed, what runs in the end was made from the new one.
TEST_F(LifecycleTest, AnImageThatChangesOnTheWayUpIsHeeded) {
  start();
  for (int step = 0; step < 30; ++step) {
    SCOPED_TRACE(step);
    const std::string name = "web-" + std::to_string(step);
    api.put(web(name).image("old:" + std::to_string(step)));
    loop.run_for(step < 20 ? step * 11ms : 190ms + step * 1ms);  // pulls last 200 ms, the rest 1 ms
    const std::string image = "new:" + std::to_string(step);
    change(name,
           [&](api::Pod& pod) { pod.mutable_spec()->mutable_containers(0)->set_image(image); });
    loop.run_for(5s);
    EXPECT_EQ(runtime.running("main"), 1);
    EXPECT_EQ(runtime.image_of_running("main"), "sha256:" + image);
    EXPECT_LE(container(0, name).restart_count(), 1);
    remove(name, 0);
    loop.run_for(5s);
  }
}

TEST_F(LifecycleTest, ANewImageEndsTheBackOffOfTheOldOne) {
  start();
  api.put(web());
  loop.run_for(2s);
  for (int i = 0; i < 5; ++i) {
    runtime.exit("main", 1);
    loop.run_for(i < 4 ? 90s : 1s);
  }
  ASSERT_EQ(container().state().waiting().reason(), "CrashLoopBackOff");
  change("web",
         [](api::Pod& pod) { pod.mutable_spec()->mutable_containers(0)->set_image("nginx:1.8"); });
  loop.run_for(1s);
  ASSERT_EQ(runtime.running("main"), 1);
  runtime.exit("main", 1);
  loop.run_for(1s);
  EXPECT_EQ(runtime.running("main"), 1) << "its first crash: restarted at once";
}

TEST_F(LifecycleTest, AContainerThatDoesNotStartCountsAsCrashed) {
  runtime.fail("start", {Code::invalid}, 1);
  start();
  api.put(web());
  loop.run_for(3s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(container().restart_count(), 1);
  EXPECT_EQ(container().last_state().terminated().reason(), "StartError");
  EXPECT_EQ(container().last_state().terminated().exit_code(), 128);
}

TEST_F(LifecycleTest, ALostSandboxIsMadeAgainWithItsContainers) {
  start();
  api.put(web().with([](api::Pod& pod) { add_init(pod, "first"); }));
  loop.run_for(2s);
  runtime.exit("first", 0);
  loop.run_for(2s);
  ASSERT_EQ(status().phase(), "Running");
  runtime.reboot();
  loop.run_for(3s);
  EXPECT_EQ(runtime.running("first"), 1);  // a new sandbox begins from the beginning
  EXPECT_EQ(status().phase(), "Running");  // but the phase does not go back
  EXPECT_EQ(condition("Ready"), "False");
  runtime.exit("first", 0);
  loop.run_for(15s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(status().pod_ip(), "10.1.0.2");
  EXPECT_EQ(runtime.sandbox_count(), 1u);
}

TEST_F(LifecycleTest, EventsTellTheStory) {
  options.record_events = agent::RecordEvents::all;
  start();
  api.put(web());
  loop.run_for(2s);
  EXPECT_EQ(events(), (std::vector<std::string>{
                          "Pulling: Pulling image \"nginx:1.7.9\"",
                          "Pulled: Successfully pulled image \"nginx:1.7.9\" in 0.200s",
                          "Created: Created container main", "Started: Started container main"}));
}

TEST_F(LifecycleTest, EventsNameTheirContainer) {
  options.record_events = agent::RecordEvents::all;
  start();
  api.put(web().with([](api::Pod& pod) {
    api::Container& init = *pod.mutable_spec()->add_init_containers();
    init.set_name("prepare");
    init.set_image("nginx:1.7.9");
    exec(*pod.mutable_spec()->mutable_containers(0)->mutable_readiness_probe(), "ready");
  }));
  runtime.probes["ready"] = agent::ProbeResult::failure;
  loop.run_for(2s);
  runtime.exit("prepare", 0);
  loop.run_for(3s);
  remove("web", 5);
  loop.run_for(1s);
  EXPECT_EQ(event_subjects(),
            (std::vector<std::string>{
                "Pulling: spec.initContainers{prepare}", "Pulled: spec.initContainers{prepare}",
                "Created: spec.initContainers{prepare}", "Started: spec.initContainers{prepare}",
                "Pulled: spec.containers{main}", "Created: spec.containers{main}",
                "Started: spec.containers{main}", "Unhealthy: spec.containers{main}",
                "Killing: spec.containers{main}"}));
}

TEST_F(LifecycleTest, TellsOfBackOffOncePerCrash) {
  options.record_events = agent::RecordEvents::warnings;
  start();
  api.put(web());
  loop.run_for(2s);
  runtime.exit("main", 1);
  loop.run_for(2s);
  EXPECT_EQ(events(), std::vector<std::string>());
  runtime.exit("main", 1);
  loop.run_for(5s);
  EXPECT_EQ(events(), (std::vector<std::string>{"BackOff: Back-off restarting failed container "
                                                "main in pod web_default(uid-web)"}));
}

TEST_F(LifecycleTest, SaysWhichReadinessGateIsClosed) {
  start();
  api.put(web().with([](api::Pod& pod) {
    pod.mutable_spec()->add_readiness_gates()->set_condition_type("example.com/lb");
  }));
  loop.run_for(2s);
  const auto why = [this] {
    for (const auto& c : status().conditions()) {
      if (c.type() == "Ready") return c.reason() + ": " + c.message();
    }
    return std::string();
  };
  EXPECT_EQ(condition("ContainersReady"), "True");
  EXPECT_EQ(why(),
            "ReadinessGatesNotReady: corresponding condition of pod readiness gate "
            "\"example.com/lb\" does not exist.");
  const auto gate = [](const char* value) {
    return [=](api::Pod& pod) {
      api::PodCondition* found = nullptr;
      for (auto& c : *pod.mutable_status()->mutable_conditions()) {
        if (c.type() == "example.com/lb") found = &c;
      }
      if (!found) found = pod.mutable_status()->add_conditions();
      found->set_type("example.com/lb");
      found->set_status(value);
    };
  };
  change("web", gate("False"));
  loop.run_for(1s);
  EXPECT_EQ(why(),
            "ReadinessGatesNotReady: the status of pod readiness gate \"example.com/lb\" is not "
            "\"True\", but False");
  change("web", gate("True"));
  loop.run_for(1s);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(LifecycleTest, StatusSurvivesConflictsLostRepliesAndOutages) {
  start();
  api.put(web());
  loop.run_for(100ms);
  api.lose_replies = 3;
  loop.run_for(5s);
  EXPECT_EQ(condition("Ready"), "True");
  api.down = true;
  runtime.exit("main", 1);
  loop.run_for(60s);
  EXPECT_EQ(runtime.running("main"), 1);  // pods are looked after without the API
  api.down = false;
  loop.run_for(20s);
  EXPECT_EQ(container().restart_count(), 1);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(LifecycleTest, ReadyIsReportedAgainWhenSomebodyElseSaidOtherwise) {
  start();
  api.put(web());
  loop.run_for(2s);
  change("web",
         [](api::Pod& pod) {  // as the node lifecycle controller does to pods of silent nodes
           for (auto& c : *pod.mutable_status()->mutable_conditions()) {
             if (c.type() == "Ready") c.set_status("False");
           }
         });
  loop.run_for(2s);
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(LifecycleTest, DoesNotChaseSomebodyWhoKeepsChangingTheStatus) {
  start();
  api.put(web());
  loop.run_for(2s);
  const int writes = status_writes();
  for (int i = 0; i < 6000; ++i) {
    change("web", [](api::Pod& pod) {
      for (auto& c : *pod.mutable_status()->mutable_conditions()) {
        if (c.type() == "Ready") c.set_status("False");
      }
    });
    loop.run_for(10ms);
  }
  EXPECT_GE(status_writes() - writes, 3);
  EXPECT_LE(status_writes() - writes, 40);
}

TEST(BackOff, Doubles) {
  EXPECT_EQ(agent::backoff_after(1), Duration(10s));
  EXPECT_EQ(agent::backoff_after(5), Duration(160s));
  EXPECT_EQ(agent::backoff_after(6), Duration(300s));
  EXPECT_EQ(agent::backoff_after(4'000'000'000u), Duration(300s));
}

}  // namespace
}  // namespace keelson::test
