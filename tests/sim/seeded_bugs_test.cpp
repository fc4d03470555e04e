// The proof of the checks: each scenario of scenarios/bugs holds as it stands, and with its seeded bug
// the guarantee that it names is the first to be broken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "core/base/seeded_bug.hpp"
#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

std::vector<std::string> bug_files() {
  std::vector<std::string> files;
  const std::filesystem::path directory = std::filesystem::path(KEELSON_SOURCE_DIR) / "scenarios/bugs";
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

SeededBug bug_named(const std::string& name) {
  for (const SeededBugName& known : kSeededBugs) {
    if (known.name == name) return known.bug;
  }
  return SeededBug::none;
}

// Turns the bug on for as long as it lives.
class Seeding {
 public:
  explicit Seeding(SeededBug bug) {
#ifdef KEELSON_SEEDED_BUGS
    active_seeded_bug = bug;
#else
    (void)bug;
#endif
  }
  ~Seeding() {
#ifdef KEELSON_SEEDED_BUGS
    active_seeded_bug = SeededBug::none;
#endif
  }
};

std::string describe(const Run& run) {
  std::string text;
  for (const Violation& v : run.checks().violations()) {
    text += v.invariant + " at " +
            std::to_string(v.at.time_since_epoch().count() / 1'000'000) + " ms: " + v.what + "\n";
  }
  for (const Pending& p : run.still_pending()) {
    text += "pending " + p.invariant + " " + p.object + ": " + p.why + "\n";
  }
  for (const Note& note : run.world().notes()) {
    if (note.level == Level::error) text += "error of " + note.source + ": " + note.text + "\n";
  }
  return text;
}

class SeededBugs : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto loaded = load_scenario(GetParam(), {});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    scenario = std::move(*loaded);
    ASSERT_FALSE(scenario.expect.bug.empty()) << "a scenario of scenarios/bugs says what it expects";
  }
  Scenario scenario;
};

// No scenario may owe its success to the luck of its seed.
constexpr uint64_t kSeeds = 20;

TEST_P(SeededBugs, WithTheBugTheNamedGuaranteeIsTheFirstToBreak) {
#ifndef KEELSON_SEEDED_BUGS
  GTEST_SKIP() << "built without KEELSON_SEEDED_BUGS";
#endif
  const Seeding seeding(bug_named(scenario.expect.bug));
  for (uint64_t seed = scenario.seed; seed < scenario.seed + kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim::Run run(scenario, {.seed = seed, .max_events = 0, .progress = {}});
    EXPECT_EQ(run.execute(), Verdict::violated);
    const auto& violations = run.checks().violations();
    if (violations.empty()) {
      ADD_FAILURE() << "nothing fired\n" << describe(run);
      continue;
    }
    EXPECT_THAT(scenario.expect.violates, ::testing::Contains(violations.front().invariant))
        << describe(run);
    if (seed != scenario.seed) continue;
    RecordProperty("virtual_ms",
                   static_cast<int>(violations.front().at.time_since_epoch() / 1ms));
  }
}

TEST_P(SeededBugs, WithoutTheBugEverythingHolds) {
  for (uint64_t seed = scenario.seed; seed < scenario.seed + kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim::Run run(scenario, {.seed = seed, .max_events = 0, .progress = {}});
    EXPECT_EQ(run.execute(), Verdict::held) << describe(run);
  }
}

// "/.../01-relist-rv0.yaml" -> "01_relist_rv0".
std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, SeededBugs, ::testing::ValuesIn(bug_files()), test_name);

TEST(SeededBugsCatalogue, EachBugHasItsScenario) {
  std::set<std::string> shown;
  for (const std::string& file : bug_files()) {
    const auto scenario = load_scenario(file, {});
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    EXPECT_TRUE(shown.insert(scenario->expect.bug).second) << file << ": another one shows this bug";
  }
  for (const SeededBugName& bug : kSeededBugs) {
    EXPECT_TRUE(shown.contains(std::string(bug.name))) << bug.name;
  }
}

TEST(SeededBugsCatalogue, WhatIsExpectedToBreakIsChecked) {
  std::set<std::string_view> known;
  for (const InvariantInfo& info : CheckSuite::all_invariants()) known.insert(info.id);
  for (const std::string& file : bug_files()) {
    const auto scenario = load_scenario(file, {});
    ASSERT_TRUE(scenario.ok());
    for (const std::string& id : scenario->expect.violates) {
      EXPECT_TRUE(known.contains(id)) << file << ": " << id;
    }
  }
}

}  // namespace
}  // namespace keelson::sim
