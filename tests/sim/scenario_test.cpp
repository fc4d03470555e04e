// Reading scenario files: what they may say, and that each complaint names file, line and field.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "core/api/types.hpp"
#include "core/base/rng.hpp"
#include "sim/run/run.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/scenario.hpp"

namespace keelson::sim {
namespace {

using Settings = std::map<std::string, std::string>;

Scenario good(const std::string& text, const Settings& settings = {}) {
  auto scenario = parse_scenario(text, "s.yaml", settings);
  EXPECT_TRUE(scenario.ok()) << scenario.error().message;
  return scenario.ok() ? std::move(*scenario) : Scenario{};
}

std::string error_of(const std::string& text, const Settings& settings = {}) {
  const auto scenario = parse_scenario(text, "s.yaml", settings);
  EXPECT_FALSE(scenario.ok()) << "accepted:\n" << text;
  if (scenario.ok()) return {};
  EXPECT_EQ(scenario.error().code, Code::invalid);
  return scenario.error().message;
}

// The complaint begins with `place` (file:line: field) and says `what`.
void refuses(const std::string& text, const std::string& place, const std::string& what) {
  const std::string message = error_of(text);
  EXPECT_EQ(message.rfind(place + ": ", 0), 0u) << message;
  EXPECT_NE(message.find(what), std::string::npos) << message;
}

const std::string kNode = R"(name: t
cluster:
  pools: [{prefix: n-, count: 3, zones: [a, b]}]
)";

// --- Scalars ----------------------------------------------------------------------------------------

TEST(ScenarioReader, Durations) {
  const std::map<std::string, Duration> cases = {
      {"0", 0s},          {"0s", 0s},       {"250ms", 250ms},     {"10s", 10s},
      {"1m30s", 90s},     {"2h", 2h},       {"1d", 24h},          {"1.5s", 1500ms},
      {"0.25m", 15s},     {"3us", 3us},     {"7ns", 7ns},         {"1h1m1s1ms", 1h + 1min + 1s + 1ms}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
  for (const char* bad : {"", "5", "s", "5 s", "-5s", "5x", "1.s", ".5s", "5s3", "1e3s",
                          "9999999999999s", "300000d"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
}

TEST(ScenarioReader, DurationsAreWrittenAsTheyAreRead) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(2h), "2h");
  EXPECT_EQ(format_duration(15us), "15us");
  EXPECT_EQ(format_duration(-3600s), "-1h");
  for (const Duration d : {Duration{0s}, Duration{90s}, Duration{1001ms}, Duration{3h + 7s}}) {
    EXPECT_EQ(*parse_duration(format_duration(d)), d);
  }
}

TEST(ScenarioReader, Shares) {
  const std::map<std::string, uint32_t> cases = {{"0", 0},        {"2%", 20'000},  {"0.1%", 1'000},
                                                 {"100%", 1'000'000}, {"250ppm", 250}, {"12.34%", 123'400}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_ppm(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
  for (const char* bad : {"", "5", "%", "101%", "-1%", "a%", "1.x%", "1000001ppm"}) {
    EXPECT_FALSE(parse_ppm(bad).ok()) << bad;
  }
}

// --- Good files -------------------------------------------------------------------------------------

TEST(Scenario, HasDefaults) {
  const Scenario s = good("name: t\n");
  EXPECT_EQ(s.name, "t");
  EXPECT_EQ(s.file, "s.yaml");
  EXPECT_EQ(s.seed, 1u);
  EXPECT_EQ(s.duration, 10min);
  EXPECT_EQ(s.converge, 10min);
  EXPECT_EQ(s.quiet, 2min);
  EXPECT_FALSE(s.world.kubernetes_profile);
  EXPECT_EQ(s.world.api_servers, 1u);
  EXPECT_EQ(s.world.controller_managers, 2u);
  EXPECT_TRUE(s.expect.bug.empty());
}

TEST(Scenario, ReadsTheCluster) {
  const Scenario s = good(R"(
name: t
profile: kubernetes
cluster:
  apiServers: 3
  controllerManagers: 1
  schedulers: 0
  serviceNetwork: 10.0.0.0/24
  proxies: 5
  normalEvents: false
  heartbeat: 20s
  nodeHealth: {witnesses: false, grace: 15s, tolerationSeconds: 0}
  network: {delayMin: 1ms, delayMax: 2ms}
  store: {commitMin: 1ms, commitMax: 3ms, events: 500}
  pools:
    - prefix: gpu-
      count: 2
      zones: [a, b]
      capacity: {cpu: "8", memory: 32Gi, nvidia.com/gpu: "4"}
      labels: {kind: gpu}
      taints: [{key: gpu, value: "yes", effect: NoExecute}, {key: slow}]
      maxPods: 20
    - {count: 1}
)");
  EXPECT_TRUE(s.world.kubernetes_profile);
  EXPECT_EQ(s.world.api_servers, 3u);
  EXPECT_EQ(s.world.controller_managers, 1u);
  EXPECT_EQ(s.world.schedulers, 0u);
  EXPECT_EQ(s.world.service_network, "10.0.0.0");
  EXPECT_EQ(s.world.service_prefix, 24);
  EXPECT_EQ(s.world.proxies, 5u);
  EXPECT_FALSE(s.world.record_normal_events);
  EXPECT_EQ(s.world.heartbeat, 20s);
  EXPECT_EQ(s.world.node_health.witnesses, false);
  EXPECT_EQ(s.world.node_health.grace, 15s);
  EXPECT_EQ(s.world.node_health.toleration_seconds, 0);
  EXPECT_EQ(s.world.network.delay_max, 2ms);
  EXPECT_EQ(s.world.store.commit_max, 3ms);
  EXPECT_EQ(s.world.store.history.events_max, 500u);
  ASSERT_EQ(s.world.pools.size(), 2u);
  const NodePool& gpu = s.world.pools[0];
  EXPECT_EQ(gpu.count, 2u);
  EXPECT_EQ(gpu.zones, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(gpu.capacity.at("nvidia.com/gpu"), "4");
  EXPECT_EQ(gpu.labels.at("kind"), "gpu");
  ASSERT_EQ(gpu.taints.size(), 2u);
  EXPECT_EQ(gpu.taints[0].effect(), "NoExecute");
  EXPECT_EQ(gpu.taints[1].effect(), "NoSchedule");
  EXPECT_EQ(gpu.max_pods, 20);
  EXPECT_EQ(s.world.pools[1].prefix, "node-");
  EXPECT_EQ(s.world.pools[1].capacity.at("cpu"), "4");
}

TEST(Scenario, ReadsImagesGeneratorsChurnAndTraffic) {
  const Scenario s = good(kNode + R"(
images:
  default: {pull: 5s}
  app:v2: {start: 1s, servesAfter: 2s, runsFor: 1h, exitCode: 3, drainsFor: 4s, missing: true, crashesEvery: 9m}
generate:
  - {prefix: web-, namespace: shop, deployments: 7, replicas: 2..5, images: [a, b], cpuMilli: 100..200,
     memoryMi: 32, maxSurge: "1", maxUnavailable: 10%, minReadySeconds: 3, services: true,
     readinessProbe: true, probePeriod: 2, preStopSleep: 1, gracePeriod: 9, over: 20s}
churn: {every: 3s, from: 1m, create: 1, scale: 2, roll: 3, delete: 4, undo: 5, replicas: 0..9}
traffic:
  - {namespace: shop, service: "*", every: 200ms, port: 8080, from: 5s, mustNotFail: true}
)");
  EXPECT_EQ(s.world.runtime.fallback.pull, 5s);
  const ImageBehaviour& v2 = s.world.runtime.images.at("app:v2");
  EXPECT_EQ(v2.serves_after, 2s);
  EXPECT_EQ(v2.runs_for, 1h);
  EXPECT_EQ(v2.exit_code, 3);
  EXPECT_TRUE(v2.missing);
  EXPECT_EQ(v2.crash_mean, 9min);
  ASSERT_EQ(s.generators.size(), 1u);
  const DeploymentGenerator& g = s.generators[0];
  EXPECT_EQ(g.count, 7);
  EXPECT_EQ(g.replicas.low, 2);
  EXPECT_EQ(g.replicas.high, 5);
  EXPECT_EQ(g.memory_mib.low, 32);
  EXPECT_EQ(g.memory_mib.high, 32);
  EXPECT_EQ(g.max_unavailable, "10%");
  EXPECT_EQ(g.grace, 9);
  EXPECT_EQ(g.over, 20s);
  EXPECT_EQ(s.churn.every, 3s);
  EXPECT_EQ(s.churn.remove, 4u);
  EXPECT_EQ(s.churn.replicas.low, 0);
  ASSERT_EQ(s.traffic.size(), 1u);
  EXPECT_EQ(s.traffic[0].every, 200ms);
  EXPECT_TRUE(s.traffic[0].must_not_fail);
}

TEST(Scenario, TheTimelineIsSortedAndTiesKeepTheirOrder) {
  const Scenario s = good(kNode + R"(
timeline:
  - {at: 20s, do: scale, name: web, replicas: 0}
  - {at: 10s, fault: node-crash, node: n-2, for: forever}
  - {at: 10s, do: run, name: web, image: i, replicas: 2, port: 80}
)");
  ASSERT_EQ(s.timeline.size(), 3u);
  ASSERT_TRUE(s.timeline[0].fault);
  EXPECT_EQ(s.timeline[0].fault->node, "n-2");
  EXPECT_TRUE(s.timeline[0].fault->forever);
  EXPECT_EQ(s.timeline[0].fault->place, "s.yaml:7");
  ASSERT_TRUE(s.timeline[1].action);
  EXPECT_EQ(s.timeline[1].action->text, "run web --image=i --port=80 --replicas=2");
  EXPECT_EQ(s.timeline[2].action->replicas, 0);
}

TEST(Scenario, ReadsFaultsAtRatesAndTheirParameters) {
  const Scenario s = good(kNode + R"(
faults:
  - {fault: node-crash, every: 90s, from: 1m, until: 5m, zone: b, count: 2, at-most: 3}
  - {fault: lost-reply, share: 0.5%}
timeline:
  - {at: 1s, fault: clock-step, by: -1h, for: 10s}
  - {at: 1s, fault: clock-rate, role: scheduler, rate: 50}
  - {at: 1s, fault: slow-watch, process: controller-manager-1, by: 2s, resource: pods}
)");
  ASSERT_EQ(s.fault_rates.size(), 2u);
  const FaultRate& crash = s.fault_rates[0];
  EXPECT_EQ(crash.mean, 90s);
  EXPECT_EQ(crash.from, 1min);
  EXPECT_EQ(*crash.until, 5min);
  EXPECT_EQ(crash.fault.zone, "b");
  EXPECT_EQ(crash.fault.count, 2);
  EXPECT_EQ(crash.fault.at_most, 3);
  EXPECT_EQ(s.fault_rates[1].mean, 1min);
  EXPECT_EQ(s.fault_rates[1].fault.ppm, 5'000u);
  EXPECT_EQ(s.timeline[0].fault->by, -1h);
  EXPECT_EQ(s.timeline[1].fault->rate_ppm, 500'000);
  EXPECT_EQ(s.timeline[2].fault->process, "controller-manager-1");
  EXPECT_EQ(s.timeline[2].fault->resource, api::Kind::pods);
}

TEST(Scenario, RatesMayGrowWithTheCluster) {
  const Scenario s = good(R"(
name: t
cluster:
  pools: [{prefix: a-, count: 30}, {prefix: b-, count: 20}]
generate: [{prefix: x-, deployments: 3}, {prefix: y-, deployments: 1}]
churn: {every: 8m, per: deployment, scale: 1}
faults:
  - {fault: node-crash, every: 100m, per: node}
  - {fault: agent-crash, every: 100m, per: cluster}
)");
  EXPECT_EQ(s.churn.every, 2min);
  EXPECT_EQ(s.fault_rates[0].mean, 2min);
  EXPECT_EQ(s.fault_rates[1].mean, 100min);
  refuses(kNode + "faults:\n  - {fault: node-crash, per: rack}\n", "s.yaml:5: faults[0].per",
          "neither cluster nor node");
  refuses("name: t\nchurn: {every: 1s, per: deployment, scale: 1}\n", "s.yaml:2: churn.per",
          "no deployment to count");
}

TEST(Scenario, NodesOfATraceMayBeNamedInFaults) {
  const Scenario s = good("name: t\ntrace: {format: openb, directory: d}\n"
                          "timeline: [{at: 1s, fault: node-crash, node: openb-node-0001}]\n");
  EXPECT_EQ(s.timeline[0].fault->node, "openb-node-0001");
}

TEST(Scenario, ManifestsAreKubernetesYaml) {
  const Scenario s = good(R"(name: t
manifests: |
  apiVersion: v1
  kind: Namespace
  metadata: {name: shop}
  ---
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: c, namespace: shop}
timeline:
  - at: 5s
    do: apply
    manifest: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: d, namespace: shop}
)");
  ASSERT_EQ(s.manifests.size(), 2u);
  EXPECT_EQ(s.manifests[0]->kind(), api::Kind::namespaces);
  EXPECT_EQ(s.manifests[1]->name(), "c");
  ASSERT_EQ(s.timeline.size(), 1u);
  ASSERT_EQ(s.timeline[0].action->objects.size(), 1u);
  EXPECT_EQ(s.timeline[0].action->objects[0]->name(), "d");
}

TEST(Scenario, SaysWhatItExpects) {
  const Scenario s = good("name: t\nexpect: {bug: NO_FENCE, violates: LE-1}\n");
  EXPECT_EQ(s.expect.bug, "NO_FENCE");
  EXPECT_EQ(s.expect.violates, std::vector<std::string>{"LE-1"});
  const Scenario either = good("name: t\nexpect: {bug: GONE_RESUME, violates: [ST-9, ST-7]}\n");
  EXPECT_EQ(either.expect.violates, (std::vector<std::string>{"ST-9", "ST-7"}));
}

// --- Parameters -------------------------------------------------------------------------------------

const std::string kParameters = R"(name: t
duration: "${minutes}m"
parameters: {nodes: 3, minutes: 7}
cluster:
  pools: [{count: "${nodes}"}]
)";

TEST(ScenarioParameters, HaveDefaultsThatSettingsReplace) {
  const Scenario with_defaults = good(kParameters);
  EXPECT_EQ(with_defaults.duration, 7min);
  EXPECT_EQ(with_defaults.world.pools[0].count, 3u);
  const Scenario changed = good(kParameters, {{"nodes", "50"}});
  EXPECT_EQ(changed.duration, 7min);
  EXPECT_EQ(changed.world.pools[0].count, 50u);
}

TEST(ScenarioParameters, MustExistToBeSet) {
  const std::string message = error_of(kParameters, {{"node", "50"}});
  EXPECT_EQ(message, "--set node: s.yaml has no such parameter; it has: minutes, nodes");
}

TEST(ScenarioParameters, MustBeDeclaredToBeUsed) {
  refuses("name: t\nduration: \"${minutes}m\"\n", "s.yaml:2", "\"minutes\"");
}

TEST(ScenarioParameters, ValuesAreCheckedWhereTheyAreUsed) {
  const std::string message = error_of(kParameters, {{"nodes", "many"}});
  EXPECT_EQ(message.rfind("s.yaml:5: cluster.pools[0].count: ", 0), 0u) << message;
}

TEST(ScenarioParameters, VariantsGiveThemOtherValues) {
  const std::string text = kParameters +
                           "variants:\n  - {name: small}\n"
                           "  - {name: big, set: {nodes: \"${minutes}0\"}}\n";
  const Scenario s = good(text);
  EXPECT_EQ(s.world.pools[0].count, 3u) << "it is read as it stands";
  ASSERT_EQ(s.variants.size(), 2u);
  EXPECT_EQ(s.variants[0].name, "small");
  EXPECT_TRUE(s.variants[0].settings.empty());
  EXPECT_EQ(s.variants[1].settings, (Settings{{"nodes", "70"}}));
  EXPECT_EQ(good(text, s.variants[1].settings).world.pools[0].count, 70u);
  refuses(kParameters + "variants:\n  - {name: a, set: {node: 1}}\n", "s.yaml:7: variants[0].set",
          "no parameter \"node\"");
  refuses(kParameters + "variants:\n  - {set: {nodes: 1}}\n", "s.yaml:7: variants[0].name",
          "needs a name");
  refuses(kParameters + "variants: [{name: a}, {name: a}]\n", "s.yaml:6: variants[1].name",
          "called so");
}

// --- Bad files --------------------------------------------------------------------------------------

TEST(ScenarioErrors, NameFileLineAndField) {
  refuses("name: t\nduration: soon\n", "s.yaml:2: duration", "\"soon\" is no duration");
  refuses("description: x\n", "s.yaml:1: name", "needs a name");
  refuses("name: t\nseed: -1\n", "s.yaml:2: seed", "whole number");
  refuses("name: t\nquietTimeline: yes\n", "s.yaml:2: quietTimeline", "neither true nor false");
  refuses("name: t\nprofile: fast\n", "s.yaml:2: profile", "neither keelson nor kubernetes");
  refuses("name: t\nname2: x\n", "s.yaml:2: name2", "unknown field");
  refuses("name: t\ncluster: {nodeHealth: {grace: 1ms}}\n", "s.yaml:2: cluster.nodeHealth.grace",
          "at least 1s");
  refuses("name: t\ncluster: 5\n", "s.yaml:2: cluster", "mapping");
  refuses("name: t\ngenerate: {prefix: a}\n", "s.yaml:2: generate", "list");
  refuses("name: [t]\n", "s.yaml:1: name", "single value");
}

TEST(ScenarioErrors, UnknownFieldsNameThoseThatAreKnown) {
  refuses("name: t\ncluster:\n  apiServer: 2\n", "s.yaml:3: cluster.apiServer",
          "unknown field; known here: apiServers");
  refuses("name: t\nimages:\n  a: {pulls: 1s}\n", "s.yaml:3: images.a.pulls", "servesAfter");
  refuses(kNode + "timeline:\n  - {at: 1s, do: cordon, name: n-1, nodes: 3}\n",
          "s.yaml:5: timeline[0].nodes", "unknown field");
  refuses(kNode + "faults:\n  - {fault: node-crash, evry: 3s}\n", "s.yaml:5: faults[0].evry",
          "unknown field");
}

TEST(ScenarioErrors, InTheCluster) {
  refuses("name: t\ncluster:\n  pools:\n    - {count: -1}\n", "s.yaml:4: cluster.pools[0].count",
          "whole number");
  refuses("name: t\ncluster:\n  pools:\n    - {capacity: {cpu: lots}}\n",
          "s.yaml:4: cluster.pools[0].capacity", "cpu");
  refuses("name: t\ncluster:\n  apiServers: 0\n", "s.yaml:3: cluster.apiServers", "from 1 to 9");
  for (const char* network : {"10.0.0.0", "10.0.0.0/31", "10.0.0.1/24", "ten/8", "10.0.0.0/24x"}) {
    refuses(std::string("name: t\ncluster: {serviceNetwork: ") + network + "}\n",
            "s.yaml:2: cluster.serviceNetwork", network);
  }
  refuses("name: t\ncluster:\n  network: {delayMin: 5ms, delayMax: 1ms}\n",
          "s.yaml:3: cluster.network.delayMin", "delayMax");
  refuses("name: t\ncluster:\n  store: {commitMin: 5ms, commitMax: 1ms}\n",
          "s.yaml:3: cluster.store.commitMin", "commitMax");
  refuses("name: t\ncluster:\n  proxies: some\n", "s.yaml:3: cluster.proxies", "whole number");
}

TEST(ScenarioErrors, InGeneratorsChurnAndTraffic) {
  refuses("name: t\ngenerate:\n  - {replicas: 5..2}\n", "s.yaml:3: generate[0].replicas", "no range");
  refuses("name: t\ngenerate:\n  - {replicas: a}\n", "s.yaml:3: generate[0].replicas", "no range");
  refuses("name: t\ngenerate:\n  - {over: 1h}\n", "s.yaml:3: generate[0].over", "longer than");
  refuses("name: t\ngenerate:\n  - {images: []}\n", "s.yaml:3: generate[0].images", "empty");
  refuses("name: t\nchurn: {every: 1s}\n", "s.yaml:2: churn.every", "weight");
  refuses("name: t\ntraffic:\n  - {every: 1s}\n", "s.yaml:3: traffic[0].service", "which service");
  refuses("name: t\ntraffic:\n  - {service: a, every: 10us}\n", "s.yaml:3: traffic[0].every", "1ms");
}

TEST(ScenarioErrors, InTheTimeline) {
  refuses(kNode + "timeline:\n  - {do: cordon, name: n-1}\n", "s.yaml:5: timeline[0].at", "when?");
  refuses(kNode + "timeline:\n  - {at: 1s}\n", "s.yaml:5: timeline[0].at", "neither");
  refuses(kNode + "timeline:\n  - {at: 1s, do: delete, name: a, cascade: up}\n",
          "s.yaml:5: timeline[0].cascade", "background, foreground, orphan");
  refuses(kNode + "timeline:\n  - {at: 1s, do: undo, name: a, cascade: orphan}\n",
          "s.yaml:5: timeline[0].cascade", "only delete");
  refuses(kNode + "timeline:\n  - {at: 1s, do: dance}\n", "s.yaml:5: timeline[0].do", "set-image");
  refuses(kNode + "timeline:\n  - {at: 1s, do: scale, name: a}\n", "s.yaml:5: timeline[0].do",
          "needs replicas");
  refuses(kNode + "timeline:\n  - {at: 1s, do: scale, replicas: 2}\n", "s.yaml:5: timeline[0].do",
          "needs a name");
  refuses(kNode + "timeline:\n  - {at: 1s, do: run, name: a}\n", "s.yaml:5: timeline[0].do",
          "needs an image");
  refuses(kNode + "timeline:\n  - {at: 1s, do: set-image, name: a}\n", "s.yaml:5: timeline[0].do",
          "needs an image");
  refuses(kNode + "timeline:\n  - {at: 1s, do: expose, name: a}\n", "s.yaml:5: timeline[0].do",
          "needs a port");
  refuses(kNode + "timeline:\n  - {at: 1s, do: apply}\n", "s.yaml:5: timeline[0].do",
          "needs a manifest");
  refuses(kNode + "timeline:\n  - {at: 1s, do: apply, manifest: \"kind: Nothing\"}\n",
          "s.yaml:5: timeline[0].manifest", "");
}

TEST(ScenarioErrors, InFaults) {
  const auto fault = [](const std::string& text, const std::string& field, const std::string& what) {
    refuses(kNode + "timeline:\n  - {at: 1s, " + text + "}\n", "s.yaml:5: timeline[0]." + field, what);
  };
  fault("fault: earthquake", "fault", "there is no fault \"earthquake\"");
  fault("fault: node-crash, node: n-4", "fault", "there is no node \"n-4\"");
  fault("fault: node-crash, node: other", "fault", "there is no node \"other\"");
  fault("fault: node-crash, zone: c", "fault", "there is no zone \"c\"");
  fault("fault: node-crash, for: long", "for", "no duration");
  fault("fault: node-crash, count: 0", "count", "whole number");
  fault("fault: zone-loss", "fault", "needs a zone");
  fault("fault: leader-kill, role: boss", "fault", "\"boss\"");
  fault("fault: lost-reply, share: 2", "share", "no share");
  fault("fault: clock-step, by: back", "by", "no duration");
  fault("fault: clock-rate, rate: 5", "rate", "from 10 to 1000");
  fault("fault: api-server-restart, process: api-1", "fault", "there is no process \"api-1\"");
  fault("fault: api-server-restart, process: scheduler-0", "fault", "API servers");
  fault("fault: slow-watch, process: api-0, by: 1s", "fault", "not to \"api-0\"");
  fault("fault: slow-watch, node: n-1", "fault", "needs `by`");
  fault("fault: slow-watch, by: 1s, resource: things", "resource", "no kind");
  fault("fault: network-delay", "fault", "needs `by`");
  fault("fault: network-delay, by: -5s", "fault", "from 0s to a day");
  fault("fault: stale-api-server, by: -5s", "fault", "from 0s to a day");
  fault("fault: slow-start, by: 2d", "fault", "from 0s to a day");
  fault("fault: clock-step", "fault", "how far");
  fault("fault: clock-step, by: 20000d", "fault", "at most a year");
  fault("fault: clock-step, by: 1h, process: scheduler-0, role: scheduler", "fault", "either");
  fault("fault: reboot, for: forever", "fault", "a reboot ends");
  fault("fault: node-crash, share: 5%", "share", "node-crash does not take it; it takes: node, zone");
  fault("fault: store-down, node: n-1", "node", "store-down does not take it");
  refuses(kNode + "timeline:\n  - {at: 11m, fault: store-down}\n", "s.yaml:5: timeline[0].at",
          "after the end of `duration`");
  refuses(kNode + "faults:\n  - {fault: store-down, from: 5m, until: 1m}\n", "s.yaml:5: faults[0].from",
          "never begin");
  refuses(kNode + "faults:\n  - {fault: node-crash, every: 1us}\n", "s.yaml:5: faults[0].every", "1ms");
}

TEST(ScenarioErrors, InExpectations) {
  refuses("name: t\nexpect: {bug: NO_BUG, violates: LE-1}\n", "s.yaml:2: expect.bug", "NO_FENCE");
  refuses("name: t\nexpect: {bug: NO_FENCE}\n", "s.yaml:2: expect.violates", "which guarantee");
}

TEST(ScenarioErrors, InTraces) {
  refuses("name: t\ntrace: {format: borg, directory: d}\n", "s.yaml:2: trace.format", "openb");
  refuses("name: t\ntrace: {format: openb}\n", "s.yaml:2: trace.directory", "--set trace=DIR");
}

TEST(ScenarioErrors, AreReportedTogether) {
  const std::string message = error_of("name: t\nseed: x\nduration: y\nqiet: 5s\n");
  EXPECT_NE(message.find("s.yaml:2: seed: "), std::string::npos) << message;
  EXPECT_NE(message.find("\ns.yaml:3: duration: "), std::string::npos) << message;
  EXPECT_NE(message.find("\ns.yaml:4: qiet: "), std::string::npos) << message;
}

TEST(ScenarioErrors, BrokenYamlHasALineToo) {
  const std::string message = error_of("name: t\ncluster: [\n");
  EXPECT_EQ(message.rfind("s.yaml:", 0), 0u) << message;
}

TEST(ScenarioErrors, StrayBracesEndTheReadingInsteadOfNotEnding) {
  for (const std::string junk : {"}\n", "}}}\n", "{{{\n", "]\n", "a: {b: c}}\n", "...\n}\n", "---\n}\n",
                                 "--- {}\n}\n", "\"\n", "? [\n", "&a *a\n", "!<\n"}) {
    const std::string message = error_of("name: t\n" + junk);
    EXPECT_EQ(message.rfind("s.yaml:", 0), 0u) << junk << message;
  }
  const std::string value = error_of(kParameters, {{"minutes", "3\"}}}\n{{"}});
  EXPECT_EQ(value.rfind("s.yaml:", 0), 0u) << value;
}

// Whatever stands in a file: it is read or refused, with its name, and in the end.
TEST(ScenarioErrors, DamagedFilesAreReadOrRefused) {
  const std::string whole = R"(name: t
parameters: {nodes: 3, every: 30s}
cluster:
  pools: [{prefix: n-, count: "${nodes}", zones: [a, b], capacity: {cpu: "4"}, taints: [{key: k}]}]
images:
  app:v1: {pull: 1s}
manifests: |
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: c, namespace: default}
generate:
  - {prefix: app-, replicas: 2..3, images: ["app:v1"], over: 5s}
timeline:
  - {at: 5s, do: run, name: web, image: "a:b", port: 80}
  - {at: 9s, fault: clock-step, node: n-1, by: -1h, for: 3s}
faults:
  - {fault: node-crash, every: "${every}", at-most: 1}
churn: {every: 3s, roll: 1}
traffic: [{service: "*", every: 1s}]
variants: [{name: a, set: {nodes: 5}}]
)";
  const std::string junk[] = {"{", "}", "[", "]", "\n", "\n---\n", "\n...\n", ": ", "- ", "\"", "'", "&a ",
                              "*a ", "? ", "| ", "> ", "!!x ", "% ", "#", "\t", "${", ",", "-", "~",
                              "9999999999999999999", std::string(1, '\0'), "\xff", "<<: "};
  Rng rng(7);
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = whole;
    for (uint64_t edits = 1 + rng.below(3); edits > 0; --edits) {
      const std::size_t at = rng.below(text.size());
      switch (rng.below(3)) {
        case 0: text.insert(at, junk[rng.below(std::size(junk))]); break;
        case 1: text.erase(at, 1 + rng.below(12)); break;
        default: text.replace(at, 1, junk[rng.below(std::size(junk))]); break;
      }
    }
    const auto scenario = parse_scenario(text, "s.yaml", {});
    accepted += scenario.ok();
    if (scenario.ok()) continue;
    EXPECT_EQ(scenario.error().message.rfind("s.yaml", 0), 0u) << text << scenario.error().message;
  }
  EXPECT_GT(accepted, 100) << "most damage should be small";
  EXPECT_LT(accepted, 3900) << "and most of it seen";
}

TEST(ScenarioErrors, AScenarioIsOneDocument) {
  refuses("name: t\nduration: 1s\n---\nname: u\n", "s.yaml:3", "one document");
  refuses("", "s.yaml: name", "needs a name");
  refuses("t\n", "s.yaml:1", "expected a mapping");
}

TEST(ScenarioErrors, AFieldStandsOnce) {
  refuses("name: t\nduration: 1s\nduration: 2s\n", "s.yaml:3: duration", "twice");
  refuses("name: t\ncluster:\n  apiServers: 1\n  apiServers: 2\n", "s.yaml:4: cluster.apiServers",
          "twice");
  refuses("name: t\nimages:\n  a: {}\n  a: {}\n", "s.yaml:4: images.a", "twice");
  refuses("name: t\nparameters: {n: 1, n: 2}\n", "s.yaml:2: parameters.n", "twice");
}

// What the API would refuse is refused here, or it would be seen as nodes and pods that never come.
TEST(ScenarioErrors, NodesAndDeploymentsThatTheApiWouldRefuse) {
  const auto pool = [](const std::string& fields, const std::string& field, const std::string& what) {
    refuses("name: t\ncluster:\n  pools:\n    - {" + fields + "}\n", "s.yaml:4: cluster.pools[0]" + field,
            what);
  };
  pool("prefix: Node_", ": metadata.name", "RFC 1123");
  pool("capacity: {cpu: \"-1\"}", ".capacity", "must not be negative");
  pool("capacity: {\"a b\": \"1\"}", ".capacity", "name part must consist");
  pool("labels: {a: \"b c\"}", ": metadata.labels", "valid label");
  pool("taints: [{key: a, effect: Never}]", ": metadata.taints[0].effect", "NoExecute");
  pool("zones: [\"a b\"]", ".zones", "valid label");
  const auto family = [](const std::string& fields, const std::string& what) {
    refuses("name: t\ngenerate:\n  - {" + fields + "}\n", "s.yaml:3: generate[0]", what);
  };
  family("prefix: App_", "RFC 1123");
  family("maxSurge: many", "maxSurge");
  family("maxSurge: \"99999999999\"", "maxSurge");
  family("maxSurge: 0, maxUnavailable: 0", "maxUnavailable");
}

TEST(ScenarioErrors, NodesHaveNamesOfTheirOwn) {
  refuses("name: t\ncluster:\n  pools: [{count: 2}, {count: 1}]\n", "s.yaml:3: cluster.pools", "node-1");
  refuses("name: t\ncluster:\n  pools: [{prefix: n-, count: 11}, {prefix: n-1, count: 1}]\n",
          "s.yaml:3: cluster.pools", "n-11");
  refuses("name: t\ncluster:\n  pools: [{prefix: a, count: 60000}, {prefix: b, count: 60000}]\n",
          "s.yaml:3: cluster.pools", "120000 nodes");
}

TEST(ScenarioErrors, NumbersThatNoClusterHolds) {
  refuses("name: t\ngenerate:\n  - {replicas: 5000000000}\n", "s.yaml:3: generate[0].replicas", "beyond");
  refuses("name: t\ngenerate:\n  - {cpuMilli: 1..9223372036854775807}\n",
          "s.yaml:3: generate[0].cpuMilli", "beyond");
  refuses("name: t\nchurn: {every: 1us, roll: 1}\n", "s.yaml:2: churn.every", "1ms");
  refuses("name: t\ncluster:\n  heartbeat: 1ns\n", "s.yaml:3: cluster.heartbeat", "100ms");
  refuses("name: t\ncluster:\n  network: {delayMax: 20000d}\n", "s.yaml:3: cluster.network.delayMax",
          "1h");
  refuses("name: t\nduration: 999999999999d\n", "s.yaml:2: duration", "no duration");
}

TEST(ScenarioErrors, ActionsOnKindsThatDoNotExist) {
  refuses(kNode + "timeline:\n  - {at: 1s, do: delete, name: thing/a}\n", "s.yaml:5: timeline[0].name",
          "\"thing\" is no kind");
  refuses(kNode + "timeline:\n  - {at: 1s, do: cordon, name: node/n-1}\n", "s.yaml:5: timeline[0].name",
          "only delete");
  refuses(kNode + "timeline:\n  - {at: 1s, do: expose, name: a, port: 80, type: Node}\n",
          "s.yaml:5: timeline[0].type", "NodePort");
}

TEST(ScenarioErrors, AFolderIsNoFile) {
  const auto scenario = load_scenario("/", {});
  ASSERT_FALSE(scenario.ok());
  EXPECT_EQ(scenario.error().message, "/: cannot be read");
}

TEST(ScenarioErrors, AFileThatIsNotThere) {
  const auto scenario = load_scenario("/nowhere/s.yaml", {});
  ASSERT_FALSE(scenario.ok());
  EXPECT_EQ(scenario.error().message, "/nowhere/s.yaml: cannot be read");
}

// --- The schedulers' configuration ---------------------------------------------------------------------

TEST(ScenarioScheduler, ProfilesDecideForThePodsThatNameThem) {
  const Scenario s = good(R"(name: t
duration: 20s
cluster:
  pools: [{prefix: n-, count: 3}]
  scheduler:
    profiles:
    - schedulerName: default-scheduler
      plugins: &fit
        score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit}]}
    - schedulerName: packing
      plugins: *fit
      pluginConfig:
      - name: NodeResourcesFit
        args: {scoringStrategy: {type: MostAllocated}}
manifests: |
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: packed, namespace: default}
  spec:
    replicas: 3
    selector: {matchLabels: {app: packed}}
    template:
      metadata: {labels: {app: packed}}
      spec:
        schedulerName: packing
        containers: [{name: c, image: x, resources: {requests: {cpu: "1", memory: 64Mi}}}]
  ---
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: spread, namespace: default}
  spec:
    replicas: 3
    selector: {matchLabels: {app: spread}}
    template:
      metadata: {labels: {app: spread}}
      spec:
        containers: [{name: c, image: x, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
)");
  sim::Run run(s, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held);
  std::map<std::string, std::set<std::string>> nodes;
  for (const auto& [key, object] : run.checks().state().all(api::Kind::pods)) {
    const auto& spec = object->as<api::Pod>().spec();
    nodes[spec.scheduler_name()].insert(spec.node_name());
  }
  EXPECT_EQ(nodes["packing"].size(), 1u);
  EXPECT_GT(nodes["default-scheduler"].size(), 1u);
}

TEST(ScenarioScheduler, MistakesAreNamedByLineAndField) {
  refuses(kNode + "  scheduler:\n    profiles:\n    - {schedulerNam: x}\n",
          "s.yaml:6: cluster.scheduler.profiles[0].schedulerNam", "unknown field");
  refuses(kNode + "  scheduler:\n    extenders: [{urlPrefix: \"http://x\", filterVerb: f}]\n",
          "s.yaml:5: cluster.scheduler.extenders", "simulated");
  refuses(kNode + "  scheduler: {}\n  schedulerConfig: x.yaml\n", "s.yaml:5: cluster.schedulerConfig",
          "either");
  refuses(kNode + "  schedulerConfig: not-there.yaml\n", "s.yaml:4: cluster.schedulerConfig",
          "cannot be read");
}

}  // namespace
}  // namespace keelson::sim
