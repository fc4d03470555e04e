// Experiments over virtual time, on clusters so small that what must happen can be said beforehand; and
// how small a cluster can get.
#include "sim/lab/timed.hpp"

#include <gtest/gtest.h>

#include "sim/lab/compaction.hpp"
#include "sim/lab/generators/generate.hpp"
#include "sim/lab/objects.hpp"
#include "sim/lab/policies.hpp"

namespace keelson::lab {
namespace {

constexpr int64_t kGib = int64_t{1} << 30;

NodeGroup nodes(int64_t count, int64_t cpus) {
  NodeGroup group;
  group.count = count;
  group.shape.cpu_milli = cpus * 1000;
  group.shape.memory_bytes = 64 * kGib;
  return group;
}

Arrival pod(const std::string& name, Duration at, int64_t cpus, std::optional<Duration> runs_for,
            int32_t priority = 0) {
  PodShape shape;
  shape.name = name;
  shape.cpu_milli = cpus * 1000;
  shape.memory_bytes = kGib;
  shape.priority = priority;
  return {pod_object(shape), at, runs_for};
}

const Policy& policy() { return *find_policy("default"); }

Outcome run(const Workload& workload, TimedOptions options = {}) {
  auto outcome = run_timed(workload, policy(), options);
  EXPECT_TRUE(outcome) << outcome.error().message;
  return std::move(*outcome);
}

double metric(const Outcome& outcome, const std::string& name) {
  for (const Metric& one : outcome.metrics) {
    if (one.name == name) return one.value;
  }
  ADD_FAILURE() << "no metric " << name;
  return -1;
}
const std::vector<double>& values(const Outcome& outcome, const std::string& name) {
  for (const Distribution& one : outcome.distributions) {
    if (one.name == name) return one.values;
  }
  ADD_FAILURE() << "no distribution " << name;
  static const std::vector<double> kNone;
  return kNone;
}

void expect_near(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-9);
}

TEST(TimedTest, PodsWaitForThoseBeforeThem) {
  Workload workload;
  workload.nodes = make_nodes({nodes(1, 4)});
  workload.arrivals = {pod("a", 0s, 4, 100s), pod("b", 10s, 4, 50s), pod("c", 20s, 4, 5s),
                       pod("never", 30s, 8, 10s)};
  const Outcome outcome = run(workload);
  // b starts as a leaves, at 100 s; c as b does, at 150 s.
  // The last one, which fits nowhere, had waited for 125 s when c left.
  expect_near(values(outcome, "waiting-time"), {0, 90, 125, 130});
  // (90 + 50) / 50, and (130 + 5) / 10: a run of 5 s counts as 10; (125 + 10) / 10.
  expect_near(values(outcome, "bounded-slowdown"), {1, 2.8, 13.5, 13.5});
  EXPECT_EQ(metric(outcome, "failed-pods"), 1);
  EXPECT_EQ(metric(outcome, "preemptions"), 0);
  EXPECT_EQ(metric(outcome, "pending-pods-max"), 3);
  EXPECT_NEAR(metric(outcome, "waiting-time-p50"), 107.5, 1e-9);
  // What comes after the end is no part of it.
  TimedOptions options;
  options.length = 25s;
  const Outcome cut = run(workload, options);
  expect_near(values(cut, "waiting-time"), {0, 5, 15});
  EXPECT_EQ(metric(cut, "failed-pods"), 2);
}

TEST(TimedTest, MeansOverTimeAreWeightedByTime) {
  Workload workload;
  workload.nodes = make_nodes({nodes(2, 4)});
  workload.arrivals = {pod("a", 0s, 4, 100s), pod("b", 50s, 2, 50s)};
  TimedOptions options;
  options.power = PowerModel{100, 300};
  const Outcome outcome = run(workload, options);
  EXPECT_EQ(metric(outcome, "makespan"), 100);
  EXPECT_DOUBLE_EQ(metric(outcome, "cpu-allocation"), 100 * (4.0 * 100 + 2.0 * 50) / (8.0 * 100));
  // 62.5 % of 200 W above two idle nodes', for 100 s.
  EXPECT_NEAR(metric(outcome, "energy"), 2 * (100 + 0.625 * 200) * 100 / 3.6e6, 1e-12);
  for (const Series& series : outcome.series) {
    EXPECT_EQ(series.x.size(), series.y.size());
    EXPECT_TRUE(std::is_sorted(series.x.begin(), series.x.end()));
    EXPECT_EQ(series.over, "time");
  }
}

TEST(TimedTest, ThePreemptedBeginAgain) {
  Workload workload;
  workload.nodes = make_nodes({nodes(1, 4)});
  workload.arrivals = {pod("low", 0s, 4, 100s, 0), pod("high", 60s, 4, 30s, 10)};
  const Outcome outcome = run(workload);
  EXPECT_EQ(metric(outcome, "preemptions"), 1);
  EXPECT_EQ(metric(outcome, "moves"), 1);
  EXPECT_EQ(metric(outcome, "failed-pods"), 0);
  // high waits for its back-off of a second; low starts again when it has left, at 91 s, and its lost
  // work counts as waiting.
  EXPECT_EQ(values(outcome, "waiting-time"), (std::vector<double>{1, 91}));
  EXPECT_EQ(metric(outcome, "makespan"), 191);
}

TEST(TimedTest, BoundPodsMayBePreemptedAndEndWithTheLength) {
  Workload workload;
  workload.nodes = make_nodes({nodes(1, 4)});
  api::Pod bound = pod("bound", 0s, 4, {}).pod->as<api::Pod>();
  bound.mutable_spec()->set_node_name("node-1");
  workload.bound = {api::make_object(bound)};
  workload.arrivals = {pod("high", 10s, 4, {}, 10)};
  TimedOptions options;
  options.length = 100s;
  const Outcome outcome = run(workload, options);
  EXPECT_EQ(metric(outcome, "preemptions"), 1);
  EXPECT_EQ(metric(outcome, "failed-pods"), 0);  // of those that came
  EXPECT_LE(metric(outcome, "makespan"), 100);
  EXPECT_GT(metric(outcome, "makespan"), 10);
}

TEST(TimedTest, VictimsWithoutAPlaceAtTheEndHaveWaited) {
  Workload workload;
  workload.nodes = make_nodes({nodes(1, 4)});
  workload.arrivals = {pod("low", 0s, 4, 1000s, 0), pod("high", 60s, 4, 1000s, 10)};
  TimedOptions options;
  options.length = 100s;
  const Outcome outcome = run(workload, options);
  EXPECT_EQ(metric(outcome, "failed-pods"), 1);
  EXPECT_EQ(values(outcome, "waiting-time"), (std::vector<double>{1, 100}));
}

TEST(TimedTest, BackOffIsThePolicys) {
  Workload workload;
  workload.nodes = make_nodes({nodes(1, 4)});
  workload.arrivals = {pod("low", 0s, 4, 100s, 0), pod("high", 60s, 4, 30s, 10)};
  Policy slow = policy();
  slow.backoff_initial = slow.backoff_max = 20s;
  const auto outcome = run_timed(workload, slow, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(values(*outcome, "waiting-time")[0], 20);  // after it has preempted
}

Workload busy() {
  GeneratorSpec spec;
  spec.arrivals.every = 2s;
  spec.pods = 3000;
  PodClass batch;
  batch.name = "batch";
  batch.cpu_milli = {Amount::Kind::lognormal, 1000, 1, 100, 16'000, {}, {}};
  batch.memory_mib = Amount::of(512);
  batch.runs_for_ms = Amount{Amount::Kind::lognormal, 120'000, 1.5, 0, 3'600'000, {}, {}};
  PodClass urgent = batch;
  urgent.name = "urgent";
  urgent.priority = 100;
  batch.weight = 9;
  spec.classes = {batch, urgent};
  Workload workload;
  workload.name = "busy";
  workload.nodes = make_nodes({nodes(10, 16)});
  workload.arrivals = generate(spec, Rng(1));
  return workload;
}

TEST(TimedTest, LoadedClustersGiveTheSameEveryTimeAndNothingGetsLost) {
  const Workload workload = busy();
  const Outcome one = run(workload), two = run(workload);
  EXPECT_EQ(one.hash, two.hash);
  EXPECT_NE(one.hash, 0u);
  EXPECT_EQ(values(one, "waiting-time"), values(two, "waiting-time"));
  TimedOptions other;
  other.seed = 2;
  EXPECT_NE(run(workload, other).hash, one.hash);
  // All of them ran to their end: what they were given over time is what they asked for, and lost work.
  EXPECT_EQ(metric(one, "failed-pods"), 0);
  EXPECT_EQ(values(one, "waiting-time").size(), workload.arrivals.size());
  EXPECT_GT(metric(one, "preemptions"), 0);
  EXPECT_GE(metric(one, "moves"), metric(one, "preemptions"));
  EXPECT_GT(metric(one, "cpu-allocation"), 50);
  for (const Series& series : one.series) EXPECT_LE(series.x.size(), 600u);
  // Nodes alike: their mean is the cluster's, though samples were thinned out.
  double cpu = 0, memory = 0;
  for (const NodeFill& fill : one.nodes) cpu += fill.cpu, memory += fill.memory;
  EXPECT_NEAR(10 * cpu, metric(one, "cpu-allocation"), 1e-9);
  EXPECT_NEAR(10 * memory, metric(one, "memory-allocation"), 1e-9);
  for (const NodeFill& fill : one.nodes) {
    EXPECT_GT(fill.cpu, 0.3);
    EXPECT_LE(fill.cpu, 1);
  }
}

TEST(CompactionTest, FindsHowFewNodesAreEnough) {
  Workload workload;
  workload.nodes = make_nodes({nodes(20, 4)});
  for (int i = 0; i < 30; ++i) {
    workload.arrivals.push_back(pod("p" + std::to_string(i), 0s, 2, {}));
  }
  // Two to a node: fifteen, in whatever order nodes are taken.
  auto compaction = compact(workload, policy(), {.pending_milli = 0});
  ASSERT_TRUE(compaction) << compaction.error().message;
  EXPECT_EQ(compaction->needed, std::vector<std::size_t>(11, 15));
  EXPECT_EQ(compaction->percentile_90, 15u);
  EXPECT_EQ(to_outcome(*compaction).metrics[1].value, 75);
  // A tenth of the pods may wait: three fewer.
  EXPECT_EQ(compact(workload, policy(), {.pending_milli = 100})->percentile_90, 14u);

  // Nodes of two sizes: the order matters, and a cautious operator plans with the worse ones.
  workload.nodes = make_nodes({nodes(10, 2)});
  NodeGroup large = nodes(10, 8);
  large.prefix = "large";
  for (const auto& node : make_nodes({large})) workload.nodes.push_back(node);
  compaction = compact(workload, policy(), {.trials = 20, .pending_milli = 0});
  std::vector<std::size_t> needed = compaction->needed;
  std::sort(needed.begin(), needed.end());
  EXPECT_GE(needed.front(), 8u);  // 60 CPUs by nodes of 8
  EXPECT_LT(needed.front(), needed.back());
  EXPECT_EQ(compaction->percentile_90, needed[17]);
  EXPECT_EQ(compact(workload, policy(), {.trials = 20, .pending_milli = 0})->needed, compaction->needed);

  // Too small for its own work: it is copied until it fits.
  workload.nodes = make_nodes({nodes(2, 4)});
  compaction = compact(workload, policy(), {.trials = 1, .pending_milli = 0});
  EXPECT_EQ(compaction->needed.front(), 15u);
}

TEST(TimedTest, NobodyWaitsInPermit) {
  Workload workload;
  workload.nodes = make_nodes({nodes(1, 4)});
  Policy gangs = policy();
  gangs.profile.enable("Coscheduling");
  const auto outcome = run_timed(workload, gangs, {});
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("Coscheduling makes pods wait in permit"), std::string::npos);
}

}  // namespace
}  // namespace keelson::lab
