// The catalogue of faults: each one happens when it is asked for, does what it says, ends after its
// time, and the cluster gets over it. Checked on whole runs, since a fault that nothing notices is
// none.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

Scenario scenario_with(const std::string& rest) {
  auto scenario = parse_scenario(R"(name: t
duration: 90s
quiet: 30s
cluster:
  apiServers: 2
  pools: [{prefix: n-, count: 4, zones: [a, b]}]
generate:
  - {prefix: web-, deployments: 3, replicas: 3, images: [a, b], services: true}
churn: {every: 4s, from: 10s, roll: 2, scale: 3, replicas: 2..5}
)" + rest,
                                 "s.yaml", {});
  EXPECT_TRUE(scenario.ok()) << scenario.error().message;
  return scenario.ok() ? std::move(*scenario) : Scenario{};
}

std::string problems_of(const Run& run) {
  std::string text;
  for (const Violation& v : run.checks().violations()) text += v.invariant + ": " + v.what + "\n";
  for (const Pending& p : run.still_pending())
    text += p.invariant + " " + p.object + ": " + p.why + "\n";
  return text;
}

// When something was told by the faults that contains `text`; a negative time: never.
Duration told(const Run& run, const std::string& text) {
  for (const Note& note : run.world().notes()) {
    if (note.source == "fault" && note.text.find(text) != std::string::npos) {
      return note.at.time_since_epoch();
    }
  }
  return -1s;
}

struct Case {
  std::string name;
  std::string parameters;
  std::string begins;  // what the timeline says at 30 s
  std::string ends;    // and at 50 s; empty: it says nothing, or the fault is over at once
  // What it must have done, besides.
  std::function<bool(const Run&)> effect = [](const Run&) { return true; };
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"node-crash", "node: n-1", "n-1 loses power", "n-1 has power again", {}},
      {"reboot", "node: n-1", "n-1 reboots", "n-1 has booted", {}},
      {"zone-loss", "zone: b", "zone b loses power: 2 nodes", "zone b has power again", {}},
      {"agent-crash", "node: n-2", "agent of n-2 crashes", "", {}},
      {"agent-pause", "node: n-2", "agent of n-2 hangs", "agent of n-2 goes on", {}},
      {"container-crash", "count: 2", "a container on", "", {}},
      {"slow-start", "share: 100%, by: 2s", "start 2s late", "",
       [](const Run& run) { return run.world().options().runtime.fired.slow_starts > 0; }},
      {"image-pull-failure", "share: 100%", "of image pulls fail", "",
       [](const Run& run) { return run.world().options().runtime.fired.pull_failures > 0; }},
      {"clock-step",
       "node: n-1, by: -1h",
       "the clock of n-1 jumps by -1h",
       "clock of n-1 is right",
       {}},
      {"clock-rate", "role: scheduler, rate: 120", "runs at 120 %", "runs at its rate again", {}},
      {"partition", "zone: a", "cut off from everybody", "connected again",
       [](const Run& run) { return run.world().network().blocked() > 0; }},
      {"partition-one-way", "node: n-3", "nothing from outside reaches n-3", "n-3 hears again",
       [](const Run& run) { return run.world().network().blocked() > 0; }},
      {"partition-api", "node: n-3", "n-3 cut off from the API servers",
       "n-3 reaches the API again",
       [](const Run& run) { return run.world().network().blocked() > 0; }},
      {"network-delay", "node: n-1, by: 300ms", "n-1's network is slow by 300ms", "", {}},
      {"network-loss", "share: 10%", "10.0 % of messages get lost", "",
       [](const Run& run) { return run.world().network().lost() > 0; }},
      {"lost-request", "share: 20%", "20.0 % of requests get lost", "",
       [](const Run& run) { return run.world().fabric().fired.requests_lost > 0; }},
      {"lost-reply", "share: 20%", "20.0 % of replies get lost", "",
       [](const Run& run) { return run.world().fabric().fired.replies_lost > 0; }},
      {"duplicate-request", "share: 20%", "20.0 % of requests arrive twice", "",
       [](const Run& run) { return run.world().fabric().fired.duplicated > 0; }},
      {"api-server-restart", "process: api-1", "api-1 crashes and is back in 20s", "", {}},
      {"leader-kill",
       "role: controller-manager",
       "which leads as controller-manager, crashes",
       "",
       {}},
      {"leader-pause", "role: scheduler", "which leads as scheduler, hangs", "goes on", {}},
      {"store-down", "", "the store is down", "the store is up again", {}},
      {"watch-break", "", "all watches break", "",
       [](const Run& run) { return run.world().fabric().fired.watch_breaks > 0; }},
      {"watch-stall",
       "process: api-0",
       "watches of api-0 fall silent",
       "watches of api-0 go on",
       {}},
      {"slow-watch",
       "role: controller-manager, resource: pods, by: 2s",
       "bring everything 2s late",
       "are in time again",
       {}},
      {"stale-api-server",
       "process: api-1, by: 3s",
       "api-1 sees the store 3s late",
       "api-1 is up to date",
       {}},
  };
  return all;
}

class Faults : public ::testing::TestWithParam<Case> {};

TEST_P(Faults, HappensOnceEndsAndIsOvercome) {
  const Case& c = GetParam();
  const FaultKind* kind = find_fault(c.name);
  ASSERT_NE(kind, nullptr);
  std::string entry = "timeline: [{at: 30s, fault: " + c.name;
  if (!c.parameters.empty()) entry += ", " + c.parameters;
  if (kind->takes("for")) entry += ", for: 20s";
  const Scenario scenario = scenario_with(entry + "}]\n");
  sim::Run run(scenario, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held) << problems_of(run);
  ASSERT_TRUE(run.injector().counts().contains(c.name));
  EXPECT_EQ(run.injector().counts().at(c.name).fired, 1u);
  EXPECT_EQ(run.injector().active(), 0u);
  EXPECT_EQ(told(run, c.begins), 30s) << c.begins;
  if (!c.ends.empty()) {
    EXPECT_EQ(told(run, c.ends), 50s) << c.ends;
  }
  if (c.effect) {
    EXPECT_TRUE(c.effect(run)) << "nothing came of it";
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Faults, ::testing::ValuesIn(cases()),
                         [](const ::testing::TestParamInfo<Case>& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(FaultCatalogue, EachIsTested) {
  for (const FaultKind& kind : all_faults()) {
    EXPECT_TRUE(std::any_of(cases().begin(), cases().end(), [&](const Case& c) {
      return c.name == kind.name;
    })) << kind.name;
  }
}

TEST(FaultCatalogue, ParametersAreNames) {
  const FaultKind* crash = find_fault("node-crash");
  ASSERT_NE(crash, nullptr);
  EXPECT_TRUE(crash->takes("node"));
  EXPECT_TRUE(crash->takes("at-most"));
  EXPECT_FALSE(crash->takes("share"));
  EXPECT_FALSE(crash->takes("at"));
  EXPECT_FALSE(crash->takes(""));
}

// All at once, at rates, and most of them longer than the phase of faults: what lasts ends with it.
TEST(FaultCatalogue, AllEndWhenThePhaseOfFaultsEnds) {
  std::string rates = "faults:\n";
  for (const Case& c : cases()) {
    const FaultKind* kind = find_fault(c.name);
    rates += "  - {fault: " + c.name + ", every: 40s, from: 20s";
    if (kind->takes("for")) rates += ", for: 10m";
    if (kind->takes("zone") && c.name == "zone-loss") rates += ", zone: a";
    if (c.name == "clock-step") rates += ", by: 1m";
    if (c.name == "network-delay") rates += ", by: 100ms";
    if (c.name == "slow-watch" || c.name == "stale-api-server") rates += ", by: 1s";
    rates += "}\n";
  }
  const Scenario scenario = scenario_with(rates);
  sim::Run run(scenario, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held) << problems_of(run);
  EXPECT_EQ(run.injector().active(), 0u);
  uint64_t fired = 0;
  for (const auto& [name, count] : run.injector().counts()) fired += count.fired;
  EXPECT_GT(fired, 10u);
  EXPECT_TRUE(run.world().store().available());
  for (const auto& node : run.world().nodes()) EXPECT_TRUE(node->powered()) << node->name();
}

TEST(FaultCatalogue, WhatLastsForEverDoesNotEnd) {
  const Scenario scenario = scenario_with(
      "timeline:\n"
      "  - {at: 30s, fault: node-crash, node: n-4, for: forever}\n"
      "  - {at: 30s, fault: leader-kill, role: scheduler, for: forever}\n"
      "  - {at: 30s, fault: api-server-restart, process: api-1, for: forever}\n");
  sim::Run run(scenario, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held) << problems_of(run);
  EXPECT_FALSE(run.world().node("n-4")->powered());
  EXPECT_GE(told(run, "api-1 crashes for good"), 0s);
}

// Two of one kind at once: the newer one counts, and each ends after its own time. Looked at in a
// world by itself, since the values are no part of a run's report.
class TwoAtOnce : public ::testing::Test {
 protected:
  TwoAtOnce() { world_.start(); }

  struct Values {
    uint32_t network_loss, lost_request, lost_reply, duplicates, pull_failures, slow_starts;
    Duration delay;
    int64_t clock_percent;
    bool operator==(const Values&) const = default;
  };
  static constexpr Values kNone{0, 0, 0, 0, 0, 0, 0s, 100};

  // Faults of every kind with values that scale with `strength`, for `lasts`.
  void inject(uint32_t strength, Duration lasts) {
    for (const char* kind : {"network-loss", "lost-request", "lost-reply", "duplicate-request",
                             "image-pull-failure", "slow-start", "network-delay", "clock-rate"}) {
      FaultSpec spec;
      spec.kind = kind;
      spec.node = "n-1";
      spec.ppm = strength;
      spec.by = strength * 1ms;
      spec.rate_ppm = 1'000'000 + strength * 100'000;
      spec.lasts = lasts;
      EXPECT_TRUE(injector_.inject(spec)) << kind;
    }
  }
  static Values strong(uint32_t s) {
    return {s, s, s, s, s, s, s * 1ms, 100 + 10 * int64_t{s}};
  }
  // The values at this time of the world.
  Values at(Duration when) {
    run_until(when);
    const Process& clock = world_.node("n-1")->agent_process();
    const Instant before = clock.now();
    run_until(when + 1s);
    const RuntimeModel& model = world_.runtime_model();
    const ApiFabric& fabric = world_.fabric();
    return {world_.network().loss_ppm(),
            fabric.lose_request_ppm,
            fabric.lose_reply_ppm,
            fabric.duplicate_ppm,
            model.pull_failure_ppm,
            model.slow_start_ppm,
            world_.network().extra_delay(world_.node("n-1")->host()),
            (clock.now() - before) / 10ms};
  }
  void run_until(Duration when) { world_.engine().run_until(Instant{} + when); }

  Scenario scenario_ = scenario_with("");
  World world_{scenario_.world, {}};
  Injector injector_{world_};
};

TEST_F(TwoAtOnce, TheOlderDoesNotEndTheNewer) {
  inject(3, 20s);
  EXPECT_EQ(at(5s), strong(3));
  run_until(10s);
  inject(2, 30s);
  EXPECT_EQ(at(15s), strong(2));
  EXPECT_EQ(at(25s), strong(2));
  EXPECT_EQ(at(45s), kNone);
  EXPECT_EQ(injector_.active(), 0u);
}

TEST_F(TwoAtOnce, TheOlderGoesOnAfterTheNewer) {
  inject(3, 40s);
  run_until(10s);
  inject(2, 10s);
  EXPECT_EQ(at(15s), strong(2));
  EXPECT_EQ(at(25s), strong(3));
  injector_.stop();
  EXPECT_EQ(at(30s), kNone);
}

TEST(FaultCatalogue, WithNothingToBreakNothingHappens) {
  std::string rates = "name: t\nduration: 60s\nquiet: 10s\nfaults:\n";
  for (const char* name : {"node-crash", "reboot", "agent-crash", "agent-pause", "container-crash",
                           "partition", "partition-one-way", "partition-api", "clock-rate"}) {
    rates += std::string("  - {fault: ") + name + ", every: 2s}\n";
  }
  auto scenario = parse_scenario(rates, "s.yaml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  sim::Run run(*scenario, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held) << problems_of(run);
  for (const auto& [name, count] : run.injector().counts()) {
    EXPECT_EQ(count.fired, 0u) << name;
    EXPECT_GT(count.skipped, 0u) << name;
  }
}

}  // namespace
}  // namespace keelson::sim
