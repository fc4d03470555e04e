// How long the pods of dead nodes are missed, and nothing else.
#include <gtest/gtest.h>

#include "sim/run/crash_heals.hpp"
#include "sim/run/run.hpp"
#include "tests/sim/event_builder.hpp"

namespace keelson::sim {
namespace {

using keelson::test::pod;
using keelson::test::replica_set;
using test::kNodeHealth;
using test::kReplicaSets;

// A history by hand, without checks.
struct Story {
  StateModel state;
  CrashHeals heals;
  Instant now{};
  uint64_t revision = 0;
  const api::ObjectPtr set = replica_set("web").replicas(2);

  void write(const api::ObjectKey& key, const api::ObjectPtr& after, const char* actor) {
    auto provenance = std::make_shared<store::Provenance>();
    provenance->actor = actor;
    store::StoreEvent event;
    event.revision = api::Revision{0, ++revision};
    event.previous = state.get(key);
    event.object = after;
    event.provenance = std::move(provenance);
    state.apply(event);
    if (key.kind == api::Kind::pods) heals.on_pod(event, now);
    if (key.kind == api::Kind::replica_sets) heals.on_replica_set(event);
  }
  void put(const api::ObjectPtr& object, const char* actor = "user") {
    write(object->key(), object, actor);
  }
  void crash(const char* node) { heals.power_lost(node, state, now); }
  keelson::test::PodBuilder running(const char* name, const char* node) {
    return pod(name).owner(set).on(node).phase("Running");
  }
};

TEST(CrashHeals, CountFromTheCrashUntilTheReplacementIsReady) {
  Story s;
  s.put(s.running("a", "n1").ready());
  s.now += 10s;
  s.crash("n1");
  s.now += 8s;
  s.put(s.running("a", "n1").not_ready().deleting(), kNodeHealth);
  s.put(pod("b").owner(s.set), kReplicaSets);
  EXPECT_TRUE(s.heals.times().empty());
  s.now += 2s;
  s.put(s.running("b", "n2").ready());
  EXPECT_EQ(s.heals.times(), std::vector<Duration>{10s});
  EXPECT_EQ(s.heals.lost(), 1u);
}

TEST(CrashHeals, APodThatIsBackNeedsNoReplacement) {
  Story s;
  s.put(s.running("a", "n1").ready());
  s.crash("n1");
  s.now += 30s;
  s.put(s.running("a", "n1").not_ready());
  s.now += 5s;
  s.put(s.running("a", "n1").ready());
  EXPECT_EQ(s.heals.times(), std::vector<Duration>{35s});
}

TEST(CrashHeals, AFlapIsNoCrash) {
  Story s;
  s.put(s.running("a", "n1").ready());
  s.put(s.running("a", "n1").not_ready());
  s.now += 40s;
  s.put(s.running("a", "n1").ready());
  EXPECT_TRUE(s.heals.times().empty());
  EXPECT_EQ(s.heals.lost(), 0u);
}

// The pod made for one that was evicted from a living node must not pass for the dead one's.
TEST(CrashHeals, AReplacementOfSomebodyElseIsNone) {
  Story s;
  s.put(s.running("dead", "n1").ready());
  s.put(s.running("alive", "n2").ready());
  s.crash("n1");
  s.now += 1s;
  s.put(s.running("alive", "n2").ready().deleting(), kNodeHealth);
  s.put(pod("b").owner(s.set), kReplicaSets);
  s.now += 1s;
  s.put(s.running("b", "n3").ready());
  EXPECT_TRUE(s.heals.times().empty());
  s.now += 7s;
  s.put(s.running("dead", "n1").not_ready().deleting(), kNodeHealth);
  s.put(pod("c").owner(s.set), kReplicaSets);
  s.now += 1s;
  s.put(s.running("c", "n3").ready());
  EXPECT_EQ(s.heals.times(), std::vector<Duration>{10s});
}

TEST(CrashHeals, AReplacementThatIsLostAsWellDelaysTheHeal) {
  Story s;
  s.put(s.running("a", "n1").ready());
  s.crash("n1");
  s.now += 8s;
  s.put(s.running("a", "n1").not_ready().deleting(), kNodeHealth);
  s.put(s.running("b", "n2").not_ready(), kReplicaSets);
  s.crash("n2");
  s.now += 8s;
  s.put(s.running("b", "n2").not_ready().deleting(), kNodeHealth);
  s.put(pod("c").owner(s.set), kReplicaSets);
  s.now += 2s;
  s.put(s.running("c", "n3").ready());
  EXPECT_EQ(s.heals.times(), std::vector<Duration>{18s});
  EXPECT_EQ(s.heals.lost(), 1u) << "one pod was missed, once";
}

TEST(CrashHeals, WhatIsNotWantedAnyMoreIsNotMissed) {
  Story s;
  s.put(s.set);
  s.put(s.running("a", "n1").ready());
  s.put(s.running("b", "n1").ready());
  s.crash("n1");
  s.put(s.running("a", "n1").ready().deleting(), kReplicaSets);
  s.put(s.running("b", "n1").ready().deleting(), kNodeHealth);
  s.put(replica_set("web").replicas(0));
  s.put(replica_set("web").replicas(2));
  s.put(pod("c").owner(s.set), kReplicaSets);
  s.put(s.running("c", "n2").ready());
  EXPECT_TRUE(s.heals.times().empty());
}

constexpr const char* kCluster = R"(
name: t
duration: 4m
quiet: 10s
parameters: {witnesses: true, grace: 40s, toleration: 300}
cluster:
  nodeHealth: {witnesses: "${witnesses}", grace: "${grace}", tolerationSeconds: "${toleration}"}
  pools: [{prefix: n-, count: 5, zones: [a, b]}]
generate: [{prefix: app-, deployments: 2, replicas: 5}]
)";

struct Measured {
  Verdict verdict;
  uint64_t lost, healed, evicted, evicted_alive;
  Duration slowest;
};

Measured measure(const std::string& timeline, std::map<std::string, std::string> settings) {
  const auto scenario = parse_scenario(kCluster + timeline, "t.yaml", settings);
  EXPECT_TRUE(scenario.ok()) << scenario.error().message;
  sim::Run run(*scenario, {.seed = 1, .max_events = 0, .progress = {}});
  const Verdict verdict = run.execute();
  const Metrics& m = run.metrics();
  return {verdict,       m.crash_heals().lost(), m.crash_heals().times().size(),
          m.evictions(), m.false_evictions(),    percentile(m.crash_heals().times(), 100)};
}

const std::string kCrash = "timeline: [{at: 60s, fault: node-crash, node: n-2, for: 10m}]\n";
const std::string kHang = "timeline: [{at: 60s, fault: agent-pause, node: n-2, for: 20s}]\n";

TEST(NodeHealthOptions, WitnessesTellACrashFromAHiccup) {
  const Measured crash = measure(kCrash, {});
  EXPECT_EQ(crash.verdict, Verdict::held);
  EXPECT_GT(crash.lost, 0u);
  EXPECT_EQ(crash.healed, crash.lost);
  EXPECT_EQ(crash.evicted_alive, 0u);
  EXPECT_LT(crash.slowest, 15s);
  EXPECT_EQ(measure(kHang, {}).evicted, 0u);
}

TEST(NodeHealthOptions, AShortGraceAloneCannot) {
  const std::map<std::string, std::string> naive = {
      {"witnesses", "false"}, {"grace", "8s"}, {"toleration", "0"}};
  const Measured crash = measure(kCrash, naive);
  EXPECT_EQ(crash.verdict, Verdict::held);
  EXPECT_EQ(crash.healed, crash.lost);
  EXPECT_LT(crash.slowest, 20s);
  const Measured hang = measure(kHang, naive);
  EXPECT_EQ(hang.verdict, Verdict::held);
  EXPECT_GT(hang.evicted_alive, 0u);
  EXPECT_EQ(hang.lost, 0u);
}

TEST(NodeHealthOptions, TolerationHoldsEvictionsBack) {
  const std::map<std::string, std::string> patient = {
      {"witnesses", "false"}, {"grace", "8s"}, {"toleration", "30"}};
  EXPECT_EQ(measure(kHang, patient).evicted, 0u);
  const Measured crash = measure(kCrash, patient);
  EXPECT_EQ(crash.healed, crash.lost);
  EXPECT_GT(crash.slowest, 34s) << "8 s of silence, less one heartbeat, and 30 s";
}

}  // namespace
}  // namespace keelson::sim
