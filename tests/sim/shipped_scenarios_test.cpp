// The scenarios that are shipped: all of them load, and those that are small, or have a small variant,
// hold. The big ones at their full size are run by hand and by the benchmarks.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

using Settings = std::map<std::string, std::string>;

std::filesystem::path directory() {
  return std::filesystem::path(KEELSON_SOURCE_DIR) / "scenarios";
}

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory())) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(ShippedScenarios, AllLoad) {
  ASSERT_GE(files().size(), 10u);
  for (const auto& file : files()) {
    Settings settings;
    if (file.stem() == "openb") settings["trace"] = "/nowhere";  // it is read when the run begins
    const auto scenario = load_scenario(file.string(), settings);
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    EXPECT_EQ(scenario->name, file.stem()) << "a scenario is called as its file";
    EXPECT_FALSE(scenario->description.empty()) << file;
    EXPECT_TRUE(scenario->expect.bug.empty()) << file << " belongs into bugs/";
  }
}

TEST(ShippedScenarios, EachStandsInTheReadme) {
  std::ifstream in(directory() / "README.md");
  std::stringstream text;
  text << in.rdbuf();
  auto all = files();
  for (const auto& entry : std::filesystem::directory_iterator(directory() / "bugs")) {
    all.push_back(entry.path());
  }
  for (const auto& file : all) {
    EXPECT_NE(text.str().find("`" + file.filename().string() + "`"), std::string::npos)
        << file << " is missing in scenarios/README.md";
  }
}

TEST(ShippedScenarios, OpenbAsksForItsTrace) {
  const auto scenario = load_scenario((directory() / "openb.yaml").string(), {});
  ASSERT_FALSE(scenario.ok());
  EXPECT_NE(scenario.error().message.find("--set trace=DIR"), std::string::npos)
      << scenario.error().message;
}

struct Shipped {
  std::string name;
  Settings settings;
};

class Holds : public ::testing::TestWithParam<std::tuple<Shipped, uint64_t>> {};

TEST_P(Holds, EveryGuarantee) {
  const auto& [which, seed] = GetParam();
  const auto scenario = load_scenario((directory() / (which.name + ".yaml")).string(), which.settings);
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  sim::Run run(*scenario, {.seed = seed, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held);
  for (const Violation& v : run.checks().violations()) {
    ADD_FAILURE() << v.invariant << " at " << v.at.time_since_epoch() / 1ms << " ms: " << v.what
                  << "\n" << v.decision;
    break;  // the first one counts
  }
  for (const Pending& p : run.still_pending()) {
    ADD_FAILURE() << "still pending: " << p.invariant << " " << p.object << ": " << p.why;
  }
  EXPECT_EQ(run.world().error_logs(), 0u);
  EXPECT_GT(run.converged_after(), Duration::zero());
}

std::string shipped_name(const ::testing::TestParamInfo<std::tuple<Shipped, uint64_t>>& info) {
  std::string name = std::get<0>(info.param).name + "_" + std::to_string(std::get<1>(info.param));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    ShippedScenarios, Holds,
    ::testing::Combine(
        ::testing::Values(
            Shipped{"tutorial", {}}, Shipped{"node-failure", {}}, Shipped{"partition", {}},
            Shipped{"control-plane-failover", {}}, Shipped{"zero-downtime", {}}, Shipped{"operations", {}},
            Shipped{"rolling-update-under-failure",
                 {{"nodes", "20"}, {"deployments", "6"}, {"minutes", "10"}, {"rollEvery", "90s"}}},
            Shipped{"zone-loss", {{"nodes", "60"}, {"deployments", "20"}}},
            Shipped{"spreading", {}},
            Shipped{"churn",
                 {{"nodes", "50"}, {"deployments", "20"}, {"minutes", "5"}, {"every", "60s"}}}),
        ::testing::Values(1, 2)),
    shipped_name);

// 26 devices' worth if shares were counted as devices, on 16.
TEST(ShippedScenarios, GpuShareRunsAllPodsOnTheirDevices) {
  const auto scenario = load_scenario((directory() / "gpu-share.yaml").string(), {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  sim::Run run(*scenario, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held);
  std::map<std::string, int> used;  // thousandths by node and device
  int pods = 0;
  for (const auto& [key, object] : run.checks().state().all(api::Kind::pods)) {
    const auto& pod = object->as<api::Pod>();
    if (pod.spec().node_name().empty() || pod.status().phase() != "Running") continue;
    ++pods;
    const auto& annotations = pod.metadata().annotations();
    const auto milli = annotations.find("keelson.io/gpu-milli");
    ASSERT_TRUE(annotations.contains("keelson.io/gpu-devices")) << object->name();
    std::istringstream devices(annotations.at("keelson.io/gpu-devices"));
    for (std::string device; std::getline(devices, device, ',');) {
      used[pod.spec().node_name() + ":" + device] +=
          milli == annotations.end() ? 1000 : std::stoi(milli->second);
    }
  }
  EXPECT_EQ(pods, 14 + 6 + 3);
  int sum = 0;
  for (const auto& [device, milli] : used) {
    EXPECT_LE(milli, 1000) << device;
    sum += milli;
  }
  EXPECT_EQ(sum, 14 * 300 + 6 * 500 + 3 * 2000);
}

// What zero-downtime.yaml says of its premises: without one of them the same rollouts lose
// requests.
TEST(ShippedScenarios, ZeroDowntimeNeedsEachOfItsPremises) {
  for (const Settings& without : {Settings{{"probe", "false"}}, Settings{{"preStop", "0"}}}) {
    const auto scenario = load_scenario((directory() / "zero-downtime.yaml").string(), without);
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    sim::Run run(*scenario, {.seed = 1, .max_events = 0, .progress = {}});
    EXPECT_EQ(run.execute(), Verdict::violated) << without.begin()->first;
    ASSERT_FALSE(run.checks().violations().empty()) << without.begin()->first;
    EXPECT_EQ(run.checks().violations().front().invariant, "ZD-1");
    EXPECT_GT(run.traffic().total().lost, 0u);
  }
}

TEST(ShippedScenarios, ZeroDowntimeRollsAndSends) {
  const auto scenario = load_scenario((directory() / "zero-downtime.yaml").string(), {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  sim::Run run(*scenario, {.seed = 3, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held);
  uint32_t rollouts = 0;
  for (const auto& [uid, w] : run.metrics().workloads()) rollouts += w.rollouts_done;
  EXPECT_GT(rollouts, 5u);
  EXPECT_GT(run.traffic().total().sent, 50'000u);
  EXPECT_EQ(run.traffic().total().lost, 0u);
  for (const InvariantCount& c : run.checks().counts()) {
    if (c.id == "ZD-1") {
      EXPECT_EQ(c.evaluations, run.traffic().total().sent);
    }
  }
}

// What operators do gives those checks something to judge that no fault alone does.
TEST(ShippedScenarios, OperationsGiveEachOfTheirChecksSomethingToJudge) {
  const auto scenario = load_scenario((directory() / "operations.yaml").string(), {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  for (const uint64_t seed : {3, 4}) {
    sim::Run run(*scenario, {.seed = seed, .max_events = 0, .progress = {}});
    EXPECT_EQ(run.execute(), Verdict::held) << seed;
    std::map<std::string_view, uint64_t> evaluations;
    for (const InvariantCount& c : run.checks().counts()) evaluations[c.id] = c.evaluations;
    for (const char* id :
         {"DP-4", "DP-7", "PD-1", "PD-2", "PD-3", "GC-1", "GC-3", "GC-4", "GC-5", "SC-4"}) {
      EXPECT_GT(evaluations[id], 0u) << id << ", seed " << seed;
    }
  }
}

TEST(ShippedScenarios, TheSameSeedGivesTheSameRun) {
  const auto scenario = load_scenario((directory() / "tutorial.yaml").string(), {});
  ASSERT_TRUE(scenario.ok());
  const auto hash = [&](uint64_t seed) {
    sim::Run run(*scenario, {.seed = seed, .max_events = 0, .progress = {}});
    run.execute();
    return run.hash();
  };
  EXPECT_EQ(hash(1), hash(1));
  EXPECT_NE(hash(1), hash(2));
}

// Before the first fault: as many in each zone, one to a host, each beside another's pod.
TEST(ShippedScenarios, SpreadingPutsPodsWhereTheyWantToBe) {
  const auto scenario = load_scenario((directory() / "spreading.yaml").string(), {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  sim::RunOptions options;
  options.progress = [](const sim::Run& run) {
    return run.elapsed() >= 50s ? std::string("enough") : std::string();
  };
  sim::Run run(*scenario, std::move(options));
  run.execute();
  std::map<std::string, std::string> zone_of;
  for (const auto& [key, node] : run.checks().state().all(api::Kind::nodes)) {
    zone_of[node->name()] = node->meta().labels().at("topology.kubernetes.io/zone");
  }
  std::map<std::string, std::map<std::string, int>> by_zone, by_node;
  for (const auto& [key, object] : run.checks().state().all(api::Kind::pods)) {
    const std::string& node = object->as<api::Pod>().spec().node_name();
    ASSERT_FALSE(node.empty()) << key.name;
    const std::string& app = object->meta().labels().at("app");
    ++by_zone[app][zone_of.at(node)];
    ++by_node[app][node];
  }
  EXPECT_EQ(by_zone["front"], (std::map<std::string, int>{{"a", 4}, {"b", 4}, {"c", 4}}));
  EXPECT_EQ(by_node["front"].size(), 9u);
  EXPECT_EQ(by_node["store"].size(), 6u);
  EXPECT_EQ(by_node["cache"].size(), 4u);
  for (const auto& [node, pods] : by_node["cache"]) EXPECT_TRUE(by_node["store"].contains(node));
}

TEST(ShippedScenarios, ALimitOnEventsLeavesARunUndecided) {
  const auto scenario = load_scenario((directory() / "tutorial.yaml").string(), {});
  ASSERT_TRUE(scenario.ok());
  sim::Run run(*scenario, {.seed = 1, .max_events = 500, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::undecided);
  EXPECT_NE(run.undecided_because().find("500"), std::string::npos);
}

TEST(ShippedScenarios, WhoWatchesTheClockMayEndARunAndSaysWhy) {
  const auto scenario = load_scenario((directory() / "tutorial.yaml").string(), {});
  ASSERT_TRUE(scenario.ok());
  sim::RunOptions options;
  options.progress = [](const sim::Run& run) {
    return run.elapsed() >= 30s ? std::string("enough") : std::string();
  };
  sim::Run run(*scenario, std::move(options));
  EXPECT_EQ(run.execute(), Verdict::undecided);
  EXPECT_EQ(run.undecided_because(), "enough");
  EXPECT_EQ(run.elapsed(), 30s);
}

}  // namespace
}  // namespace keelson::sim
