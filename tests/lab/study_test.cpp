// Results of a study: what is written is read back as it was, parts make the whole, the statistics
// are those of the runs.
#include "sim/lab/study.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/rng.hpp"
#include "sim/lab/comparison.hpp"
#include "sim/lab/results.hpp"
#include "tests/lab/made_study.hpp"

namespace keelson::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(StudyTest, RunsAreSpreadSeedBySeed) {
  const Plan plan = made_study(3, 42, 44).plan;
  EXPECT_EQ(plan.runs(), 9u);
  EXPECT_EQ(plan.seed_of(0), 42u);
  EXPECT_EQ(plan.variant_of(0), 0u);
  EXPECT_EQ(plan.seed_of(5), 43u);
  EXPECT_EQ(plan.variant_of(5), 2u);
}

TEST(StudyTest, ALostShardTakesNoVariantWithIt) {
  const Plan plan = made_study(4, 1, 6).plan;
  for (const std::size_t n : {2u, 3u, 4u, 5u}) {
    std::vector<std::size_t> made;
    for (std::size_t shard = 0; shard < n; ++shard) {
      std::vector<std::size_t> lost(plan.variants.size());
      for (const std::size_t run : plan.shard(shard, n)) {
        made.push_back(run);
        ++lost[plan.variant_of(run)];
      }
      for (const std::size_t count : lost) EXPECT_LE(count, (plan.seeds() + n - 1) / n);
    }
    std::sort(made.begin(), made.end());
    ASSERT_EQ(made.size(), plan.runs());
    for (std::size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i], i);
  }
}

TEST(StudyTest, EqualDifferencesOfFewSeedsAreNotCertain) {
  for (const uint64_t seeds : {4u, 5u}) {
    Study study = made_study(2, 1, seeds);
    for (StudyRun& run : study.runs) {
      run.outcome.metrics = {{"allocation", "%", Better::higher,
                              static_cast<double>(run.number % 2)}};
    }
    const MetricTable table = compare(study)[0];
    EXPECT_TRUE(table.cells[1].difference->constant);
    EXPECT_EQ(table.cells[1].mark(), seeds < 5 ? "" : "=");
    EXPECT_EQ(table.verdict(1), seeds < 5 ? 0 : 1);
  }
}

TEST(StudyTest, BaselineIsTheFirstPolicyUnderTheSameSettings) {
  Plan plan;
  plan.variants = {{"A", "", {{"nodes", "8"}}},
                   {"B", "", {{"nodes", "8"}}},
                   {"A", "", {{"nodes", "9"}}},
                   {"B", "", {{"nodes", "9"}}}};
  EXPECT_EQ(baseline_of(plan, 1), 0u);
  EXPECT_EQ(baseline_of(plan, 2), 2u);
  EXPECT_EQ(baseline_of(plan, 3), 2u);
  EXPECT_EQ(label_of(plan, 3), "B, nodes=9");
  for (Variant& v : plan.variants) v.policy = "A";
  EXPECT_EQ(baseline_of(plan, 3), 0u);
  EXPECT_EQ(label_of(plan, 3), "nodes=9");
}

TEST(StudyTest, ResultsAreReadBackToTheSameBytes) {
  Study study = made_study(2, 1, 5);
  study.runs[3].outcome.metrics[0].value = std::nan("");
  study.plan.variants[1].notes = {"parallelism: has no effect"};
  const std::string text = to_json(study);
  const auto back = read_study(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->plan, study.plan);
  EXPECT_EQ(to_json(*back), text);
  for (const StudyRun& run : study.runs) {
    const auto one = read_run(to_json(run));
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(to_json(*one), to_json(run));
  }
}

TEST(StudyTest, PartsInAnyOrderMakeTheWhole) {
  const std::string whole = to_json(made_study(2, 1, 7));
  std::vector<Study> parts;
  for (std::size_t part : {2u, 0u, 1u}) {
    Study study = made_study(2, 1, 7);
    std::erase_if(study.runs, [&](const StudyRun& run) { return run.number % 3 != part; });
    EXPECT_FALSE(study.complete());
    parts.push_back(std::move(*read_study(to_json(study))));
  }
  const auto merged = merge(std::move(parts), {"c.json", "a.json", "b.json"});
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_TRUE(merged->complete());
  EXPECT_EQ(to_json(*merged), whole);
}

TEST(StudyTest, StrangersAreNotMerged) {
  const auto refusal = [](Study other) {
    return merge({made_study(2, 1, 3), std::move(other)}, {"a.json", "b.json"}).error().message;
  };
  EXPECT_THAT(refusal(made_study(2, 1, 4)),
              HasSubstr("b.json and a.json are no parts of one study: the seeds"));
  EXPECT_THAT(refusal(made_study(3, 1, 3)), HasSubstr("policies"));
  Study other = made_study(2, 1, 3);
  other.plan.inputs ^= 1;
  EXPECT_THAT(refusal(other), HasSubstr("trace"));
  other = made_study(2, 1, 3);
  other.runs[4].outcome.hash ^= 1;
  EXPECT_THAT(refusal(other), HasSubstr("disagree about Policy0 with seed 3"));
  // The same result twice is no harm.
  EXPECT_TRUE(merge({made_study(2, 1, 3), made_study(2, 1, 3)}, {"a.json", "b.json"})->complete());
}

TEST(StudyTest, WhatIsNoResultIsRefused) {
  const auto refusal = [](const std::string& text) {
    const auto study = read_study(text);
    return study ? std::string("none") : study.error().message;
  };
  EXPECT_THAT(refusal("{"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("schema"));
  const std::string good = to_json(made_study(2, 1, 3));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto place = text.rfind(from);  // statistics come first, and are not read
    EXPECT_NE(place, std::string::npos) << from;
    return refusal(text.replace(place, from.size(), to));
  };
  EXPECT_THAT(with("\"version\":1", "\"version\":2"), HasSubstr("version 2"));
  EXPECT_THAT(with("\"run\":1,", "\"run\":77,"), HasSubstr("wrong number"));
  EXPECT_THAT(with("\"seeds\":[1,3]", "\"seeds\":[3,1]"), HasSubstr("seeds"));
  EXPECT_THAT(with("\"seeds\":[1,3]", "\"seeds\":[0,18446744073709551615]"), HasSubstr("seeds"));
  EXPECT_THAT(with("\"better\":\"higher\"", "\"better\":\"best\""), HasSubstr("better"));
  EXPECT_THAT(with("\"x\":[0,", "\"x\":[9e99,"), HasSubstr("rise"));
  EXPECT_THAT(with("\"value\":", "\"value\":\"x\",\"y\":"), HasSubstr("no number"));
  // Cut anywhere, it is an error and nothing worse.
  for (std::size_t n = 0; n + 2 < good.size(); n += 37) EXPECT_FALSE(read_study(good.substr(0, n)));
}

TEST(StudyTest, ComparisonPairsBySeed) {
  // Seeds differ by far more than policies do: only pairing can see the difference.
  Study study = made_study(3, 1, 10);
  const auto set = [&](std::size_t run, double value) {
    study.runs[run].outcome.metrics = {{"allocation", "%", Better::higher, value}};
  };
  Rng rng(1);
  for (std::size_t s = 0; s < 10; ++s) {
    const double base = 10.0 * static_cast<double>(s);
    set(3 * s, base);
    set(3 * s + 1, base + 1 + static_cast<double>(rng.below(100)) / 1000);
    set(3 * s + 2, base + (s % 2 == 0 ? 0.5 : -0.5));
  }
  const std::vector<MetricTable> tables = compare(study);
  ASSERT_EQ(tables.size(), 1u);
  const std::vector<Cell>& cells = tables[0].cells;
  EXPECT_FALSE(cells[0].difference);
  EXPECT_NEAR(cells[1].difference->difference.mean, 1.05, 0.05);
  EXPECT_EQ(cells[1].mark(), "***");
  EXPECT_EQ(tables[0].verdict(1), 1);
  EXPECT_EQ(cells[2].mark(), "");
  EXPECT_EQ(tables[0].verdict(2), 0);
  EXPECT_DOUBLE_EQ(*cells[2].p, 1);
  EXPECT_DOUBLE_EQ(*cells[1].p, 2 * *cells[1].difference->p_student);

  // A seed that one of them lacks does not count.
  std::erase_if(study.runs, [](const StudyRun& run) { return run.number == 4; });
  EXPECT_EQ(compare(study)[0].cells[1].difference->difference.n, 9u);
  EXPECT_EQ(compare(study)[0].cells[0].spread.n, 10u);
}

TEST(StudyTest, CurvesMeetWhereAllRunsHaveCome) {
  Study study = made_study(1, 1, 2);
  study.runs[0].outcome.series = {{"s", "%", "load", {0, 10, 20}, {0, 10, 20}}};
  study.runs[1].outcome.series = {{"s", "%", "load", {0, 10}, {2, 12}}};
  const Band band = curves(study).at(0).bands.at(0);
  ASSERT_FALSE(band.x.empty());
  EXPECT_EQ(band.x.front(), 0);
  EXPECT_EQ(band.x.back(), 10);
  for (std::size_t i = 0; i < band.x.size(); ++i) {
    EXPECT_NEAR(band.mean[i], band.x[i] + 1, 1e-9);
    // Two values at a distance of 2: 12.7 standard errors of 1.
    EXPECT_NEAR(band.high[i] - band.mean[i], 12.7062047, 1e-6);
  }
  study.runs[1].outcome.series = {{"s", "%", "load", {0, 10, 20}, {0, 10, 20}}};
  EXPECT_THAT(curves(study).at(0).bands.at(0).x, ElementsAre(0, 10, 20));
}

TEST(StudyTest, CdfsAreMeansOfQuantiles) {
  Study study = made_study(1, 1, 2);
  study.runs[0].outcome.distributions = {{"wait", "s", {0, 10}}};
  study.runs[1].outcome.distributions = {{"wait", "s", {2, 12}}};
  const CdfFigure figure = cdfs(study).at(0);
  const Band& band = figure.bands.at(0);
  EXPECT_EQ(band.x, figure.shares);
  EXPECT_DOUBLE_EQ(band.mean.front(), 1);
  EXPECT_NEAR(band.mean[50], 6, 1e-9);
  EXPECT_DOUBLE_EQ(band.mean.back(), 11);
}

TEST(StudyTest, CsvIsALinePerValue) {
  Study study = made_study(2, 1, 1);
  study.plan.variants[1].policy = "a, \"b\"";
  study.runs[1].outcome.metrics = {{"m", "%", Better::higher, 0.1 + 0.2}};
  EXPECT_THAT(to_csv(study), HasSubstr("\n\"a, \"\"b\"\"\",,1,m,%,0.3\n"));
}

}  // namespace
}  // namespace keelson::lab
