// What the agent refuses to run, and what it waits for.
#include "core/agent/admission.hpp"

#include "core/agent/decide.hpp"
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using AdmissionTest = AgentTest;

auto cpu(const std::string& amount) {
  return [amount](api::Pod& pod) {
    (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
        .set_string(amount);
  };
}

TEST_F(AdmissionTest, RefusesWhatDoesNotFit) {
  start();
  api.put(web("a").with(cpu("3")).created(1));
  api.put(web("b").with(cpu("2")).created(2));
  api.put(web("c").with(cpu("1")).created(3));
  loop.run_for(3s);
  EXPECT_EQ(status("a").phase(), "Running");
  EXPECT_EQ(status("b").phase(), "Failed");
  EXPECT_EQ(status("b").reason(), "OutOfcpu");
  EXPECT_EQ(status("b").message(),
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, "
            "capacity: 4000");
  EXPECT_EQ(status("c").phase(), "Running");
  EXPECT_EQ(runtime.running("main"), 2);
}

TEST_F(AdmissionTest, RefusesForMemoryPortsSelectorsAndNumber) {
  options.max_pods = 3;
  start();
  api.put(web("memory").with([](api::Pod& pod) { request(pod, "memory", "9Gi"); }));
  api.put(web("gpu").with([](api::Pod& pod) { request(pod, "nvidia.com/gpu", "1"); }));
  api.put(web("selector").with([](api::Pod& pod) {
    (*pod.mutable_spec()->mutable_node_selector())["disk"] = "ssd";
  }));
  const auto port = [](api::Pod& pod) {
    auto& p = *pod.mutable_spec()->mutable_containers(0)->add_ports();
    p.set_container_port(80);
    p.set_host_port(8080);
  };
  api.put(web("port1").with(port).created(1));
  api.put(web("port2").with(port).created(2));
  api.put(web("second").created(3));
  api.put(web("third").created(4));
  loop.run_for(3s);
  EXPECT_EQ(status("memory").reason(), "OutOfmemory");
  EXPECT_NE(status("gpu").phase(), "Failed") << "who advertises it has to know";
  EXPECT_EQ(status("selector").reason(), "NodeAffinity");
  EXPECT_EQ(status("port1").phase(), "Running");
  EXPECT_EQ(status("port2").reason(), "NodePorts");
  EXPECT_EQ(status("second").phase(), "Running");
  EXPECT_EQ(status("third").reason(), "OutOfpods");
}

// The events of pods and of nodes travel apart: the label for which the scheduler chose the node
// may not have come here yet.
TEST_F(AdmissionTest, LooksAgainBeforeItRefusesForLabels) {
  start();
  loop.run_for(2s);
  api.stalled_kind = api::Kind::nodes;
  api::Node labelled = node();
  (*labelled.mutable_metadata()->mutable_labels())["disk"] = "ssd";
  api.put(api::make_object(std::move(labelled)));
  const auto ssd = [](api::Pod& pod) {
    (*pod.mutable_spec()->mutable_node_selector())["disk"] = "ssd";
  };
  api.put(web().with(ssd));
  loop.run_for(3s);
  EXPECT_EQ(status().phase(), "Running");
  // It refuses nothing while it cannot look.
  api.put(web("other").with(
      [](api::Pod& pod) { (*pod.mutable_spec()->mutable_node_selector())["disk"] = "hdd"; }));
  api.refuse = 3;
  loop.run_for(1s);
  EXPECT_EQ(status("other").phase(), "Pending");
  loop.run_for(10s);
  EXPECT_EQ(status("other").reason(), "NodeAffinity");
}

// Somebody bound it past the scheduler, or the taint came after the scheduler had decided. Without
// this the pod would start, be evicted, and be replaced by the next one that starts.
TEST_F(AdmissionTest, RefusesPodsThatDoNotTolerateBeingHere) {
  start();
  loop.run_for(2s);
  const auto taint = [&](const std::string& effect) {
    api::Node tainted = node();
    tainted.mutable_spec()->clear_taints();
    api::Taint& one = *tainted.mutable_spec()->add_taints();
    one.set_key("example.com/broken");
    one.set_value("disk");
    one.set_effect(effect);
    api.put(api::make_object(std::move(tainted)));
    loop.run_for(1s);
  };
  const auto tolerant = [](const std::string& value) {
    return [value](api::Pod& pod) {
      api::Toleration& toleration = *pod.mutable_spec()->add_tolerations();
      toleration.set_key("example.com/broken");
      toleration.set_value(value);
      toleration.set_toleration_seconds(60);
    };
  };
  taint("NoSchedule");  // that is the scheduler's business
  api.put(web("early"));
  loop.run_for(3s);
  EXPECT_EQ(status("early").phase(), "Running");
  taint("NoExecute");
  api.put(web("plain"));
  api.put(web("tolerant").with(tolerant("disk")));
  api.put(web("mistaken").with(tolerant("memory")));
  loop.run_for(3s);
  for (const char* name : {"plain", "mistaken"}) {
    EXPECT_EQ(status(name).phase(), "Failed") << name;
    EXPECT_EQ(status(name).reason(), "TaintToleration") << name;
  }
  EXPECT_EQ(status("plain").message(),
            "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod "
            "didn't tolerate");
  EXPECT_EQ(status("tolerant").phase(), "Running") << "for its 60 s";
  EXPECT_EQ(status("early").phase(), "Running") << "evicting is not the agent's to do";
  // The taint is gone, but the news has not come here.
  api.stalled_kind = api::Kind::nodes;
  api::Node clean = node();
  clean.mutable_spec()->clear_taints();
  api.put(api::make_object(std::move(clean)));
  api.put(web("late"));
  loop.run_for(3s);
  EXPECT_EQ(status("late").phase(), "Running");
}

TEST_F(AdmissionTest, ARestartedAgentKnowsTheLabelsThatOthersPutOnItsNode) {
  start();
  loop.run_for(2s);
  api::Node labelled = node();
  (*labelled.mutable_metadata()->mutable_labels())["disk"] = "ssd";
  api.put(api::make_object(std::move(labelled)));
  kill();
  api.put(web().with(
      [](api::Pod& pod) { (*pod.mutable_spec()->mutable_node_selector())["disk"] = "ssd"; }));
  restart();
  loop.run_for(3s);
  EXPECT_EQ(status().phase(), "Running");
}

TEST_F(AdmissionTest, WaitsForAPodThatIsOnItsWayOut) {
  runtime.term_times["main"] = 10s;
  start();
  api.put(web("old").with(cpu("3")));
  loop.run_for(2s);
  remove("old", 30);
  api.put(web("new").with(cpu("3")));
  loop.run_for(5s);
  EXPECT_EQ(status("new").phase(), "Pending");
  EXPECT_EQ(runtime.count("start"), 1);
  loop.run_for(10s);
  EXPECT_EQ(status("new").phase(), "Running");
}

TEST_F(AdmissionTest, FinishedPodsHoldNothing) {
  start();
  api.put(job("old", "Never").with(cpu("3")));
  loop.run_for(2s);
  runtime.exit("main", 0);
  loop.run_for(1s);
  api.put(web("new").with(cpu("3")));
  loop.run_for(2s);
  EXPECT_EQ(status("new").phase(), "Running");
}

TEST_F(AdmissionTest, WhatRunsIsNotJudgedAgain) {
  start();
  api.put(web().with(cpu("3")));
  loop.run_for(2s);
  kill();
  options.capacity["cpu"] = "1";  // the node has shrunk
  restart();
  loop.run_for(3s);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(runtime.count("start"), 1);
}

TEST_F(AdmissionTest, RefusedPodsGoWhenTheyAreDeleted) {
  start();
  api.put(web().with(cpu("5")));
  loop.run_for(2s);
  ASSERT_EQ(status().phase(), "Failed");
  remove("web", 30);
  loop.run_for(2s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST(Demand, CountsInitContainersAndSidecarsAsKubernetesDoes) {
  api::PodSpec spec;
  const auto add = [](api::Container& c, const char* amount) {
    (*c.mutable_resources()->mutable_requests())["cpu"].set_string(amount);
  };
  add(*spec.add_init_containers(), "3");
  api::Container& sidecar = *spec.add_init_containers();
  sidecar.set_restart_policy("Always");
  add(sidecar, "500m");
  add(*spec.add_init_containers(), "4");
  add(*spec.add_containers(), "1");
  add(*spec.add_containers(), "1");
  EXPECT_EQ(agent::demand_of(spec).cpu_milli, 4500);  // the last init container beside the sidecar
  (*spec.mutable_overhead())["cpu"].set_string("100m");
  EXPECT_EQ(agent::demand_of(spec).cpu_milli, 4600);
  (*spec.mutable_resources()->mutable_requests())["cpu"].set_string("6");
  EXPECT_EQ(agent::demand_of(spec).cpu_milli, 6100) << "the pod's own request replaces the sum";
}

TEST_F(AdmissionTest, AbsurdRequestsDoNotOverflowIntoRoom) {
  start();
  api.put(web("absurd").with([](api::Pod& pod) {
    request(pod, "memory", "9223372036854775807");
    auto& second = *pod.mutable_spec()->add_containers();
    second = pod.spec().containers(0);
    second.set_name("second");
  }));
  loop.run_for(3s);
  EXPECT_EQ(status("absurd").reason(), "OutOfmemory");
}

TEST(NodeSelection, TermsAreAlternatives) {
  api::PodSpec spec;
  auto& required = *spec.mutable_affinity()
                        ->mutable_node_affinity()
                        ->mutable_required_during_scheduling_ignored_during_execution();
  auto& a = *required.add_node_selector_terms()->add_match_expressions();
  a.set_key("zone");
  a.set_operator_("In");
  a.add_values("a");
  auto& b = *required.add_node_selector_terms()->add_match_expressions();
  b.set_key("cores");
  b.set_operator_("Gt");
  b.add_values("8");
  EXPECT_TRUE(agent::matches_node(spec, {{"zone", "a"}}, "n"));
  EXPECT_TRUE(agent::matches_node(spec, {{"cores", "16"}}, "n"));
  EXPECT_FALSE(agent::matches_node(spec, {{"zone", "b"}, {"cores", "8"}}, "n"));
}

// decide() as the pure function that it is.
class DecideTest : public ::testing::Test {
 protected:
  DecideTest() {
    const api::Ref<api::Pod> pod = PodBuilder("p").on("n1").image("i:1");
    state = agent::make_pod_state(pod, "uid-p");
    state.held = false;
    state.runtime_known = true;
  }
  std::vector<agent::Action::Kind> kinds() {
    std::vector<agent::Action::Kind> out;
    for (const auto& action : agent::decide(state, now).actions) out.push_back(action.kind);
    return out;
  }
  using Kinds = std::vector<agent::Action::Kind>;
  using Kind = agent::Action::Kind;
  agent::PodState state;
  Instant now{Duration(1000s)};
};

TEST_F(DecideTest, GoesStepByStep) {
  EXPECT_EQ(kinds(), (Kinds{Kind::set_up_volumes}));
  state.volumes.ready = true;
  EXPECT_EQ(kinds(), (Kinds{Kind::run_sandbox}));
  state.sandbox.id = "s";
  state.sandbox.ready = true;
  EXPECT_EQ(kinds(), (Kinds{Kind::prepare}));
  state.containers[0].prepared = true;
  EXPECT_EQ(kinds(), (Kinds{Kind::create}));
  auto& c = state.containers[0];
  c.id = "c";
  c.exists = c.in_sandbox = true;
  c.phase = agent::Phase::created;
  EXPECT_EQ(kinds(), (Kinds{Kind::start}));
  c.phase = agent::Phase::running;
  EXPECT_EQ(kinds(), Kinds{});
  state.ending = agent::Ending::deleted;
  EXPECT_EQ(kinds(), (Kinds{Kind::stop}));
  c.phase = agent::Phase::exited;
  EXPECT_EQ(kinds(), (Kinds{Kind::remove}));
  c.exists = false;
  EXPECT_EQ(kinds(), (Kinds{Kind::stop_sandbox}));
  state.sandbox.stopped = true;
  EXPECT_EQ(kinds(), (Kinds{Kind::remove_sandbox}));
  state.sandbox.id.clear();
  EXPECT_EQ(kinds(), (Kinds{Kind::delete_object}));
}

TEST_F(DecideTest, DoesNothingButLookWhenAnAnswerWasLost) {
  state.containers[0].uncertain = true;
  const agent::Decision decision = agent::decide(state, now);
  EXPECT_TRUE(decision.relist);
  EXPECT_TRUE(decision.actions.empty());
}

TEST_F(DecideTest, WaitsForWhatMightStillComeToLife) {
  state.volumes.ready = true;
  state.strays.push_back({.id = "created-by-somebody"});
  EXPECT_EQ(kinds(), (Kinds{Kind::remove_stray}));
  state.strays[0].op = agent::Op::removing;
  EXPECT_EQ(kinds(), Kinds{});
  state.strays.clear();
  EXPECT_EQ(kinds(), (Kinds{Kind::run_sandbox}));
}

TEST_F(DecideTest, WakesForTheBackOff) {
  state.sandbox.id = "s";
  state.sandbox.ready = true;
  state.containers[0].retry_at = now + 7s;
  const agent::Decision decision = agent::decide(state, now);
  EXPECT_TRUE(decision.actions.empty());
  EXPECT_EQ(decision.wake, now + 7s);
}

}  // namespace
}  // namespace keelson::test
