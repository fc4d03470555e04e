// The hold model: N events are pending; each, when it runs, schedules another at a random distance.
#include <benchmark/benchmark.h>

#include "core/base/rng.hpp"
#include "sim/engine/engine.hpp"

namespace keelson::sim {
namespace {

struct Hold {
  Engine engine;
  Rng rng{1};
  void again() {
    engine.schedule(Duration{static_cast<int64_t>(rng.next() % 1'000'000) + 1}, engine.world(),
                    [this] { again(); });
  }
};

void hold(benchmark::State& state) {
  Hold hold;
  for (int64_t i = 0; i < state.range(0); ++i) hold.again();
  for (auto _ : state) hold.engine.step();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hold)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace keelson::sim
