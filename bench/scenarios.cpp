// Whole scenarios, with all checks on: how long a seed takes. Run from the project's folder. The
// big ones run once, and for minutes: choose by --benchmark_filter, one at a time where `peak_MiB`
// matters, since it is that of the process so far. KEELSON_OPENB names the folder with the files of
// that trace.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <map>
#include <string>

#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

void run(benchmark::State& state, const std::string& file,
         const std::map<std::string, std::string>& settings) {
  auto scenario = load_scenario(file, settings);
  if (!scenario) {
    state.SkipWithError(scenario.error().message.c_str());
    return;
  }
  uint64_t seed = 1, events = 0;
  for (auto _ : state) {
    RunOptions options;
    options.seed = seed++;
    Run one(*scenario, options);
    if (one.execute() != Verdict::held) {
      state.SkipWithError(("seed " + std::to_string(seed - 1) + " did not hold").c_str());
      return;
    }
    events += one.world().engine().events_run();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}

void tutorial(benchmark::State& state) { run(state, "scenarios/tutorial.yaml", {}); }
BENCHMARK(tutorial)->Unit(benchmark::kMillisecond);

// A fifth of the shipped scenario in all: users and faults are given per deployment and per node.
void rolling_20_nodes(benchmark::State& state) {
  run(state, "scenarios/rolling-update-under-failure.yaml",
      {{"nodes", "20"}, {"deployments", "4"}});
}
BENCHMARK(rolling_20_nodes)->Unit(benchmark::kMillisecond);

void churn_500_nodes(benchmark::State& state) {
  run(state, "scenarios/churn.yaml",
      {{"nodes", "500"}, {"deployments", "250"}, {"minutes", "5"}});
}
BENCHMARK(churn_500_nodes)->Unit(benchmark::kMillisecond)->Iterations(1);

// As shipped: 50,000 pods, one hour.
void churn_5000_nodes(benchmark::State& state) {
  run(state, "scenarios/churn.yaml", {});
}
BENCHMARK(churn_5000_nodes)->Unit(benchmark::kSecond)->Iterations(1);

void churn_20000_nodes(benchmark::State& state) {
  run(state, "scenarios/churn.yaml", {{"nodes", "20000"}, {"deployments", "10000"}});
}
BENCHMARK(churn_20000_nodes)->Unit(benchmark::kSecond)->Iterations(1);

void openb(benchmark::State& state) {
  const char* folder = std::getenv("KEELSON_OPENB");
  if (folder == nullptr) {
    state.SkipWithError("KEELSON_OPENB is not set");
    return;
  }
  run(state, "scenarios/openb.yaml", {{"trace", folder}});
}
BENCHMARK(openb)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace keelson::sim
