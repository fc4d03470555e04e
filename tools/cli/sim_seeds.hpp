// Many seeds of one scenario, spread over processes.
#pragma once

#include <vector>

#include "tools/cli/one_run.hpp"

namespace keelson::cli {

struct Seeds {
  uint64_t first = 0, last = 0;
  unsigned jobs = 1;
  uint64_t count() const { return last - first + 1; }
};

// What became of each seed, in their order. A seed whose process crashes counts as violated. Fewer
// than asked for: it was interrupted.
std::vector<sim::Summary> run_seeds(const sim::Scenario& scenario, const Seeds& seeds,
                                    Limits limits);

}  // namespace keelson::cli
