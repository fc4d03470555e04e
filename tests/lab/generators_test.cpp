// What generators draw: the right shape, and the same bits everywhere.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/base/hash.hpp"
#include "sim/lab/generators/generate.hpp"
#include "sim/lab/generators/math.hpp"
#include "sim/lab/load.hpp"

namespace keelson::lab {
namespace {

TEST(ExactMath, AgreesWithTheLibrary) {
  for (double x = -40; x < 40; x += 0.37) {
    EXPECT_NEAR(exact_exp(x) / std::exp(x), 1, 4e-15) << x;
  }
  for (double x = 1e-12; x < 1e12; x *= 1.37) {
    EXPECT_NEAR(exact_log(x), std::log(x), 1e-14 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  EXPECT_EQ(exact_log(1), 0);
  EXPECT_EQ(exact_exp(0), 1);
  EXPECT_NEAR(exact_pow(2, 0.5), 1.4142135623730951, 1e-15);
}

// The share of draws at most x should be F(x). With 20,000 draws three deviations are 1 %.
void expect_share(const Amount& amount, double x, double share) {
  Rng rng(7);
  int below = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) below += amount.draw_exactly(rng) <= x;
  EXPECT_NEAR(below / static_cast<double>(kDraws), share, 0.011) << x;
}

TEST(Amounts, FollowTheirDistributions) {
  const Amount lognormal{Amount::Kind::lognormal, 500, 1.5, 0, 0, {}, {}};
  expect_share(lognormal, 500, 0.5);
  expect_share(lognormal, 500 * std::exp(1.5), 0.8413);
  expect_share(lognormal, 500 * std::exp(-3), 0.0228);
  const Amount weibull{Amount::Kind::weibull, 100, 0.5, 0, 0, {}, {}};
  expect_share(weibull, 100, 1 - std::exp(-1));
  expect_share(weibull, 400, 1 - std::exp(-2));
  const Amount pareto{Amount::Kind::pareto, 1.1, 0, 10, 1000, {}, {}};
  const auto pareto_share = [](double x) {
    return (1 - std::pow(10 / x, 1.1)) / (1 - std::pow(0.01, 1.1));
  };
  expect_share(pareto, 20, pareto_share(20));
  expect_share(pareto, 200, pareto_share(200));
  expect_share(pareto, 1000, 1);
  const Amount exponential{Amount::Kind::exponential, 10, 0, 0, 0, {}, {}};
  expect_share(exponential, 10, 1 - std::exp(-1));
  const Amount uniform{Amount::Kind::uniform, 0, 0, 10, 30, {}, {}};
  expect_share(uniform, 15, 0.25);
  const Amount choice{Amount::Kind::choice, 0, 0, 0, 0, {1, 2, 3}, {1, 2, 1}};
  expect_share(choice, 1, 0.25);
  expect_share(choice, 2, 0.75);
  const Amount quantiles{Amount::Kind::quantiles, 0, 0, 0, 0, {0, 10, 100}, {}};
  expect_share(quantiles, 5, 0.25);
  expect_share(quantiles, 55, 0.75);
}

TEST(Arrivals, ComeAtTheirRates) {
  ArrivalProcess process;
  process.every = 2s;
  ArrivalTimes poisson(process, Rng(3));
  Duration last{}, at{};
  for (int i = 0; i < 10'000; ++i) {
    at = poisson.next();
    EXPECT_GE(at, last);
    last = at;
  }
  EXPECT_NEAR(at / 1ms / 10'000.0, 2000, 60);

  // Calm and bursts last equally long: the rate is the mean of both.
  process = {.kind = ArrivalProcess::Kind::bursty, .every = 10s, .burst_every = 1s,
             .calm_for = 100s, .burst_for = 100s};
  ArrivalTimes bursty(process, Rng(3));
  std::vector<int> counts(2000);  // per 100 s
  int total = 0;
  for (at = bursty.next(); at < 200'000s; at = bursty.next(), ++total) {
    ++counts[static_cast<std::size_t>(at / 100s)];
  }
  EXPECT_NEAR(total / 200'000.0, 0.55, 0.03);
  // A Poisson process of this rate would have a variance equal to the mean.
  double mean = total / 2000.0, variance = 0;
  for (const int count : counts) variance += (count - mean) * (count - mean) / 2000;
  EXPECT_GT(variance / mean, 5);

  process = {.kind = ArrivalProcess::Kind::diurnal, .every = 1s,
             .hours = ArrivalProcess::day(4000)};
  EXPECT_EQ(process.hours[15], 1000u);
  EXPECT_EQ(process.hours[3], 250u);
  ArrivalTimes diurnal(process, Rng(3));
  std::vector<int> hours(24);
  for (at = diurnal.next(); at < 96h; at = diurnal.next()) {
    ++hours[static_cast<std::size_t>(at / 1h % 24)];
  }
  EXPECT_NEAR(hours[15] / 4.0, 3600, 150);
  EXPECT_NEAR(hours[3] / 4.0, 900, 80);
}

Result<Loaded> load(const std::string& yaml, uint64_t seed) {
  sim::ReadErrors errors("exp.yaml");
  const YAML::Node root = YAML::Load(yaml);
  const WorkloadSpec spec = read_workload(sim::MapReader(root, "workload", errors), "");
  if (!errors.empty()) return errors.error();
  EXPECT_TRUE(spec.random);
  return load_workload(spec, seed);
}

uint64_t digest(const Workload& workload) {
  Digest digest;
  for (const Arrival& arrival : workload.arrivals) {
    digest.add(static_cast<uint64_t>(arrival.at.count()));
    digest.add(static_cast<uint64_t>(arrival.runs_for.value_or(-1ns).count()));
    for (const char* resource : {"cpu", "memory"}) {
      digest.add(arrival.pod->as<api::Pod>().spec().containers(0).resources().requests()
                     .at(resource).string());
    }
  }
  return digest.value();
}

constexpr const char* kGenerated = R"(
format: generated
nodes: [{count: 4, cpu: 32, memory: 64Gi, zones: 2}]
arrivals: {kind: bursty, every: 5s, burstEvery: 200ms}
pods: 2000
classes:
  - {name: web, weight: 3, cpuMilli: {kind: lognormal, median: 500, sigma: 1.2, low: 10, high: 32000},
     memoryMi: {kind: pareto, alpha: 1.1, low: 64, high: 65536}}
  - {name: batch, priority: -10, replicas: {kind: uniform, low: 1, high: 5}, cpuMilli: 250,
     memoryMi: {kind: choice, values: {"128": 3, "1024": 1}},
     runsFor: {kind: weibull, scale: 10m, shape: 0.6}}
)";

TEST(Generated, IsTheSameOnEveryMachine) {
  const auto one = load(kGenerated, 1);
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_EQ(one->workload.arrivals.size(), 2000u);
  EXPECT_EQ(one->workload.nodes.size(), 4u);
  EXPECT_EQ(digest(one->workload), digest(load(kGenerated, 1)->workload));
  EXPECT_NE(digest(one->workload), digest(load(kGenerated, 2)->workload));
  // Recorded: another compiler, library or machine must find the same.
  EXPECT_EQ(digest(one->workload), 2094352668221332066u);
  std::size_t batch = 0;
  for (const Arrival& arrival : one->workload.arrivals) {
    const auto& labels = arrival.pod->as<api::Pod>().metadata().labels();
    batch += labels.at("class") == "batch";
    EXPECT_EQ(arrival.runs_for.has_value(), labels.at("class") == "batch");
  }
  EXPECT_NEAR(static_cast<double>(batch) / 2000, 0.5, 0.1);  // a quarter of the jobs, of 3 pods each
}

// More of a workload of which we know everything.
TEST(Fitted, ResemblesItsOriginal) {
  const std::string original = R"(
format: generated
nodes: [{count: 4, cpu: 32, memory: 64Gi}]
arrivals: {kind: diurnal, every: 20s, peakToTrough: 8}
for: 96h
classes:
  - {name: web, weight: 3, cpuMilli: 500, memoryMi: 512, gpuMilli: 250}
  - {name: batch, weight: 1, replicas: {kind: choice, values: {"2": 1, "6": 1}}, cpuMilli: 250,
     memoryMi: {kind: choice, values: {"128": 3, "1024": 1}}, runsFor: {kind: lognormal, median: 10m, sigma: 1}}
)";
  std::string section = original;
  for (std::size_t at = 0; (at = section.find('\n', at)) != std::string::npos; at += 3) section.replace(at, 1, "\n  ");
  const std::string fitted = "format: fitted\nfor: 96h\nscale: 2\nfrom:" + section;
  const auto a = load(original, 1), b = load(fitted, 9);
  ASSERT_TRUE(a) << a.error().message;
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(b->workload.nodes.size(), 4u);
  struct Seen {
    double pods = 0, web = 0, night = 0, small = 0, runs_s = 0, runs = 0;
  };
  const auto look = [](const Workload& workload) {
    Seen seen;
    for (const Arrival& arrival : workload.arrivals) {
      const auto& pod = arrival.pod->as<api::Pod>();
      const auto& requests = pod.spec().containers(0).resources().requests();
      ++seen.pods;
      seen.web += requests.at("cpu").string() == "500m";
      seen.small += requests.at("memory").string() == "134217728";
      seen.night += arrival.at / 1h % 24 < 6;
      if (requests.at("cpu").string() == "500m") {
        EXPECT_EQ(pod.metadata().annotations().at("keelson.io/gpu-milli"), "250");
        EXPECT_FALSE(arrival.runs_for);
        continue;
      }
      seen.runs += 1;
      seen.runs_s += static_cast<double>(*arrival.runs_for / 1s);
    }
    return seen;
  };
  const Seen of_a = look(a->workload), of_b = look(b->workload);
  EXPECT_NEAR(of_b.pods / of_a.pods, 2, 0.1);
  EXPECT_NEAR(of_b.web / of_b.pods, of_a.web / of_a.pods, 0.02);
  EXPECT_NEAR(of_b.night / of_b.pods, of_a.night / of_a.pods, 0.02);
  EXPECT_NEAR(of_b.small / of_b.pods, of_a.small / of_a.pods, 0.02);
  EXPECT_NEAR(of_b.runs_s / of_b.runs / (of_a.runs_s / of_a.runs), 1, 0.1);
  EXPECT_EQ(digest(b->workload), digest(load(fitted, 9)->workload));
  // Names are unique, and a job's pods carry its name.
  std::set<std::string> names;
  for (const Arrival& arrival : b->workload.arrivals) {
    EXPECT_TRUE(names.insert(arrival.pod->uid()).second);
    EXPECT_TRUE(arrival.pod->name().starts_with(arrival.pod->meta().labels().at("job") + "-"));
  }
}

TEST(Generated, RefusesWhatCannotBe) {
  const auto complaint = [](const std::string& yaml) {
    const auto loaded = load(yaml, 1);
    return loaded ? std::string() : loaded.error().message;
  };
  const std::string said = complaint(R"(
format: generated
arrivals: {kind: bursty, calmFor: 100000h}
classes:
  - {cpuMilli: {kind: pareto, alpha: 1.1, low: 5}, memoryMi: {kind: lognormal}, runsFor: {kind: normal}}
  - {name: "UPPER", weight: -1}
)");
  for (const char* part :
       {"exp.yaml:3: workload.arrivals.calmFor: must be above 0 and at most 8760h",
        "exp.yaml:5: workload.classes[0].cpuMilli.high: must be given and above `low`",
        "exp.yaml:5: workload.classes[0].memoryMi.median: must be given and above 0",
        "exp.yaml:5: workload.classes[0].runsFor.kind: \"normal\" is none of",
        "exp.yaml:6: workload.classes[1].weight", "exp.yaml:6: workload.classes[1].name",
        "workload.pods: how many?", "workload.nodes: on which nodes?"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
  }
}

}  // namespace
}  // namespace keelson::lab
