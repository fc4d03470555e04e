// Whole scenarios, with all checks on: how long a seed takes. Run from the project's folder. The big ones
// run once; `keelson sim run scenarios/churn.yaml` prints the same figures with their peak memory under
// /usr/bin/time -v.
#include <benchmark/benchmark.h>

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
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}

void tutorial(benchmark::State& state) { run(state, "scenarios/tutorial.yaml", {}); }
BENCHMARK(tutorial)->Unit(benchmark::kMillisecond);

// A fifth of the shipped scenario: 20 nodes, 4 deployments, and as many crashes per node.
void rolling_20_nodes(benchmark::State& state) {
  run(state, "scenarios/rolling-update-under-failure.yaml",
      {{"nodes", "20"}, {"deployments", "4"}, {"crashEvery", "5m"}});
}
BENCHMARK(rolling_20_nodes)->Unit(benchmark::kMillisecond);

void churn_500_nodes(benchmark::State& state) {
  run(state, "scenarios/churn.yaml",
      {{"nodes", "500"}, {"deployments", "250"}, {"minutes", "5"}, {"every", "10s"}});
}
BENCHMARK(churn_500_nodes)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace keelson::sim
