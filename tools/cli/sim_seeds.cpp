#include "tools/cli/sim_seeds.hpp"

#include <algorithm>

#include "tools/cli/workers.hpp"

namespace keelson::cli {

std::vector<sim::Summary> run_seeds(const sim::Scenario& scenario, const Seeds& seeds,
                                    Limits limits) {
  std::vector<sim::Summary> done;
  const auto run = [&](uint64_t task) {
    OneRun one(scenario, seeds.first + task, limits, false);
    one.execute();
    return sim::to_line(sim::summarise(one.run(), one.wall()));
  };
  const auto take = [&](const TaskEnd& end) {
    sim::Summary summary;
    if (!end.failure.empty()) {
      summary.seed = seeds.first + end.task;
      summary.verdict = sim::Verdict::violated;
      summary.failure = end.failure;
    } else if (!sim::from_line(end.line, &summary)) {
      return;
    }
    done.push_back(std::move(summary));
  };
  run_tasks({seeds.count(), seeds.jobs, "seeds", /*patient=*/true, /*quiet=*/false}, run, take);
  std::sort(done.begin(), done.end(),
            [](const sim::Summary& a, const sim::Summary& b) { return a.seed < b.seed; });
  return done;
}

}  // namespace keelson::cli
