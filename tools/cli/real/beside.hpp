// Real and simulated milestones beside each other, for people and for machines.
#pragma once

#include <string>
#include <vector>

#include "sim/report/report.hpp"
#include "tools/cli/real/milestones.hpp"

namespace keelson::real {

// One run of either world.
struct Played {
  uint64_t seed = 0;
  History history;
  std::vector<Chapter> chapters;
};

// The same scenario with the same seed in the simulator. REQUIRES: the scenario is one for it.
Played simulate(const sim::Scenario& scenario, uint64_t seed);

// A line of a timeline, as `keelson sim run` prints it.
std::string line_of(const sim::Note& note);

// Per entry of the timeline its milestones, how long each took in either world, and the ratio. Of several
// runs: the median, the 90th percentile and the longest.
std::string text_table(const std::vector<Played>& real, const std::vector<Played>& simulated);
std::string json_table(const sim::Invocation& invocation, const std::vector<std::string>& differences,
                       const std::vector<Played>& real, const std::vector<Played>& simulated);

}  // namespace keelson::real
