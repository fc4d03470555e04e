// The report's text; how it looks in a browser is browser_test.cpp's.
#include "sim/lab/report/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/lab/report/numbers.hpp"
#include "tests/lab/made_study.hpp"

namespace keelson::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(NumbersTest, AsPeopleReadThem) {
  EXPECT_EQ(rounded(93.2149, 2), "93.21");
  EXPECT_EQ(rounded(-0.001, 2), "0.00");
  EXPECT_EQ(rounded(1 / 0.0, 2), "-");
  EXPECT_EQ(with_sign(2.81, 2), "+2.81");
  EXPECT_EQ(with_sign(0.001, 2), "0.00");
  EXPECT_EQ(with_sign(-3, 0), "-3");
  EXPECT_EQ(short_number(12160), "12,160");
  EXPECT_EQ(short_number(-1234567), "-1,234,567");
  EXPECT_EQ(short_number(93.2149), "93.21");
  EXPECT_EQ(short_number(0.0041234), "0.004123");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(100), "100");
}

TEST(NumbersTest, TicksAreRound) {
  EXPECT_THAT(round_ticks(0, 130, 7).at, ElementsAre(0, 20, 40, 60, 80, 100, 120));
  EXPECT_THAT(round_ticks(3, 97, 5).at, ElementsAre(20, 40, 60, 80));
  const Ticks small = round_ticks(0.12, 0.36, 5);
  EXPECT_EQ(small.decimals, 2);
  EXPECT_NEAR(small.at.front(), 0.15, 1e-12);
  EXPECT_TRUE(round_ticks(1, 1, 5).at.empty());
}

TEST(ReportTest, SaysWhatCameOutAndHowToRunItAgain) {
  Study study = made_study(3, 42, 51);
  study.plan.command = "keelson sim compare made.yaml --policies 'a&b'";
  const std::string html = html_report(study);
  for (const char* text :
       {"GPU allocation (%)", "higher is better", "10 seeds", "seeds 42 to 51", "60 nodes",
        "p &lt; 0.001", "GPU allocation as load arrives", "share of pods up to this (%)",
        "made.yaml --policies 'a&amp;b'", "0000000000001234", "<h2>How full each node was"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  EXPECT_THAT(html, Not(HasSubstr("are missing")));
}

TEST(ReportTest, NamesFromOutsideStayText) {
  Study study = made_study(2, 1, 2);
  const std::string evil = "</script><script>alert(1)</script>\"><b>";
  study.plan.name = study.plan.description = study.plan.command = study.plan.workload = evil;
  study.plan.variants[1].policy = study.plan.variants[1].source = evil;
  study.plan.variants[1].settings = {{evil, evil}};
  for (StudyRun& run : study.runs) {
    run.outcome.metrics[0].name = run.outcome.metrics[0].unit = evil;
    run.outcome.series[0].name = run.outcome.series[0].unit = evil;
    run.outcome.distributions[0].name = evil;
    for (NodeFill& node : run.outcome.nodes) node.node = evil;
  }
  const std::string html = html_report(study);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("\"><b>")));
}

TEST(ReportTest, IncompleteStudiesSaySo) {
  Study study = made_study(2, 1, 3);
  study.runs.pop_back();
  EXPECT_THAT(html_report(study), HasSubstr("1 of 6 runs are missing"));
  study.runs.clear();
  EXPECT_THAT(html_report(study), HasSubstr("6 of 6 runs are missing"));
}

TEST(ReportTest, DistributionsAreTabledByShare) {
  Study study = made_study(1, 1, 1);
  Distribution& wait = study.runs[0].outcome.distributions[0];
  wait.values.assign(1001, 0);
  for (std::size_t i = 951; i < 1001; ++i) wait.values[i] = static_cast<double>(i);
  const std::string html = html_report(study);
  for (const char* row : {"p50</th><td>0<", "p95</th><td>0<", "p99</th><td>990<",
                          "max</th><td>1,000<"}) {
    EXPECT_THAT(html, HasSubstr(row));
  }
}

TEST(ReportTest, FewSeedsAndMeaningsAreNoted) {
  Study study = made_study(2, 1, 3);
  for (StudyRun& run : study.runs) run.outcome.series[0].over = "time";
  const std::string html = html_report(study);
  EXPECT_THAT(html, HasSubstr("3 seeds: differences of so few say little"));
  EXPECT_THAT(html, HasSubstr("what pods request, not what they then use"));
  EXPECT_THAT(html, HasSubstr("How full each node was on average over time"));
  EXPECT_THAT(html_report(made_study(2, 1, 10)), Not(HasSubstr("say little")));
}

TEST(ReportTest, OneSeedPretendsNothing) {
  const std::string html = html_report(made_study(2, 7, 7));
  EXPECT_THAT(html, HasSubstr("no telling how much of a difference is chance"));
  EXPECT_THAT(html, Not(HasSubstr(" ± ")));
}

}  // namespace
}  // namespace keelson::lab
