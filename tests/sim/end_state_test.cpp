// GL-2 by its other half: the state in which a run ends is that of the same run without any fault, but
// for the names and places of pods. What controllers do depends on levels, not on what happened on the
// way.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "sim/checks/rollout_rules.hpp"
#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

std::string image_of(const api::PodTemplateSpec& pod_template) {
  std::string images;
  for (const auto& container : pod_template.spec().containers()) images += container.image() + ' ';
  return images;
}

std::string end_state(const StateModel& state) {
  std::ostringstream text;
  for (const auto& [key, object] : state.all(api::Kind::namespaces)) {
    text << "namespace " << object->name() << ' ' << object->as<api::Namespace>().status().phase()
         << '\n';
  }
  for (const auto& [key, object] : state.all(api::Kind::deployments)) {
    const auto& d = object->as<api::Deployment>();
    const auto& s = d.status();
    text << "deployment " << object->ns() << '/' << object->name() << ' '
         << image_of(d.spec().template_()) << replicas_of(d) << ": " << s.replicas() << ' '
         << s.updated_replicas() << ' ' << s.ready_replicas() << ' ' << s.available_replicas() << '\n';
  }
  for (const auto& [key, object] : state.all(api::Kind::replica_sets)) {
    const auto& rs = object->as<api::ReplicaSet>();
    std::map<std::string, int> pods;
    for (const auto& [name, pod] : state.controlled_by(api::Kind::pods, object->uid())) {
      const auto& p = pod->as<api::Pod>();
      if (active(p)) ++pods[p.status().phase() + (ready(p) ? " ready" : " not ready")];
    }
    text << "replicaset " << object->ns() << '/' << object->name() << ' '
         << image_of(rs.spec().template_()) << replicas_of(rs) << " revision "
         << number_annotation(object->meta(), kRevisionAnnotation).value_or(0);
    for (const auto& [what, count] : pods) text << ", " << count << ' ' << what;
    text << '\n';
  }
  std::map<std::string, int> addresses;
  for (const auto& [key, object] : state.all(api::Kind::endpoints)) {
    for (const auto& subset : object->as<api::Endpoints>().subsets()) {
      addresses[object->ns() + '/' + object->name()] += subset.addresses_size();
    }
  }
  for (const auto& [key, object] : state.all(api::Kind::services)) {
    const std::string name = object->ns() + '/' + object->name();
    text << "service " << name << ": " << addresses[name] << '\n';
  }
  return text.str();
}

Scenario without_faults(Scenario scenario) {
  scenario.fault_rates.clear();
  std::erase_if(scenario.timeline, [](const TimedAction& timed) { return timed.fault.has_value(); });
  return scenario;
}

std::string end_of(const Scenario& scenario, uint64_t seed) {
  sim::Run run(scenario, {.seed = seed, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held) << scenario.name;
  return end_state(run.checks().state());
}

void leave_no_trace(const Scenario& scenario, uint64_t seed) {
  const Scenario calm = without_faults(scenario);
  EXPECT_EQ(end_of(scenario, seed), end_of(calm, seed)) << scenario.name << ", seed " << seed;
}

TEST(EndState, NodesThatFailLeaveNoTrace) {
  const auto scenario =
      load_scenario(KEELSON_SOURCE_DIR "/scenarios/node-failure.yaml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  for (const uint64_t seed : {1, 2}) leave_no_trace(*scenario, seed);
}

TEST(EndState, CutsLeaveNoTrace) {
  const auto scenario = load_scenario(KEELSON_SOURCE_DIR "/scenarios/partition.yaml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  leave_no_trace(*scenario, 1);
}

TEST(EndState, FaultsInTheMiddleOfRolloutsLeaveNoTrace) {
  const auto scenario = parse_scenario(R"(
name: rollouts
duration: 6m
cluster:
  apiServers: 2
  pools: [{prefix: n-, count: 6, zones: [a, b, c], capacity: {cpu: "8", memory: 32Gi}}]
timeline:
  - {at: 5s, do: run, name: web, image: "web:v1", replicas: 4}
  - {at: 5s, do: run, name: api, image: "api:v1", replicas: 3}
  - {at: 8s, do: expose, name: web, port: 80}
  - {at: 40s, do: set-image, name: web, image: "web:v2"}
  - {at: 41s, fault: leader-kill, role: controller-manager, for: 5s}
  - {at: 60s, do: scale, name: api, replicas: 6}
  - {at: 60500ms, fault: node-crash, node: random, for: 40s}
  - {at: 62s, do: set-image, name: api, image: "api:v2"}
  - {at: 63s, fault: leader-pause, role: controller-manager, for: 25s}
  - {at: 120s, do: undo, name: web}
  - {at: 121s, fault: leader-kill, role: scheduler, for: 5s}
  - {at: 122s, fault: lost-reply, share: 10%, for: 30s}
  - {at: 180s, do: scale, name: web, replicas: 2}
  - {at: 180500ms, fault: watch-break}
  - {at: 181s, fault: agent-crash, node: random, for: 10s}
)",
                                       "rollouts.yaml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  for (const uint64_t seed : {1, 2, 3}) leave_no_trace(*scenario, seed);
}

}  // namespace
}  // namespace keelson::sim
