// Many faults at once: every guarantee holds, and every check has had something to look at. A check
// that no run evaluates is as good as none.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

TEST(Swarm, EveryGuaranteeIsLookedAtAndHolds) {
  const auto scenario = load_scenario(KEELSON_SOURCE_DIR "/tests/sim/swarm.yaml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  std::map<std::string_view, uint64_t> evaluations;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim::Run run(*scenario, {.seed = seed, .max_events = 5'000'000, .progress = {}});
    EXPECT_EQ(run.execute(), Verdict::held) << run.undecided_because();
    for (const Violation& v : run.checks().violations()) {
      ADD_FAILURE() << v.invariant << ": " << v.what << "\n" << v.decision;
    }
    for (const Pending& p : run.still_pending()) {
      ADD_FAILURE() << "pending " << p.invariant << " " << p.object << ": " << p.why;
    }
    for (const InvariantCount& count : run.checks().counts()) {
      evaluations[count.id] += count.evaluations;
    }
  }
  // Users delete in the background only (but not in scenarios/operations.yaml), nothing here lasts
  // as long as history is kept (as in scenarios/bugs), and requests may be lost when nodes die (not
  // in scenarios/zero-downtime.yaml).
  const std::set<std::string_view> elsewhere = {"GC-3", "GC-4", "ST-9", "ZD-1"};
  for (const auto& [id, count] : evaluations) {
    if (elsewhere.contains(id)) continue;
    EXPECT_GT(count, 0u) << id;
  }
}

}  // namespace
}  // namespace keelson::sim
