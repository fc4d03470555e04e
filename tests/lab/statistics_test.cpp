// The statistics, against values that others have published or that can be counted by hand.
#include "sim/lab/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace keelson::lab {
namespace {

// Student's own data of 1908, as R ships it (`sleep`): hours of sleep gained with two drugs.
const std::vector<double> kFirstDrug{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
const std::vector<double> kSecondDrug{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

TEST(StatisticsTest, SpreadOfAFewValues) {
  const Spread s = spread_of(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(s.mean, 5);
  EXPECT_DOUBLE_EQ(s.median, 4.5);
  EXPECT_NEAR(s.deviation, 2.13808993529939, 1e-12);
  // 2.364624: the 97.5 % point of Student's t with 7 degrees of freedom, in every table.
  EXPECT_NEAR(*s.margin, 2.364624252 * 2.13808993529939 / std::sqrt(8.0), 1e-8);
}

TEST(StatisticsTest, OneValueHasNoInterval) {
  EXPECT_FALSE(spread_of(std::vector<double>{3}).margin);
  EXPECT_EQ(spread_of({}).n, 0u);
  EXPECT_EQ(*spread_of(std::vector<double>(7, 0.1)).margin, 0);
}

TEST(StatisticsTest, StudentsTable) {
  EXPECT_NEAR(student_margin(1), 12.7062047, 1e-6);
  EXPECT_NEAR(student_margin(9), 2.26215716, 1e-7);
  EXPECT_NEAR(student_margin(1000), 1.96233908, 1e-7);
  EXPECT_NEAR(student_p(2.26215716, 9), 0.05, 1e-8);
  EXPECT_NEAR(student_p(-2.26215716, 9), 0.05, 1e-8);
}

// R: t.test(extra ~ group, data = sleep, paired = TRUE).
TEST(StatisticsTest, PairedDifferenceOfTheSleepData) {
  const Paired p = paired(kFirstDrug, kSecondDrug);
  EXPECT_NEAR(p.difference.mean, 1.58, 1e-12);
  EXPECT_NEAR(p.difference.mean - *p.difference.margin, 0.7001142, 1e-7);
  EXPECT_NEAR(p.difference.mean + *p.difference.margin, 2.4598858, 1e-7);
  EXPECT_NEAR(*p.p_student, 0.002833, 1e-6);
  // One zero is dropped; the other nine are all positive: 2 of 2^9 patterns are so extreme.
  EXPECT_DOUBLE_EQ(*p.p_wilcoxon, 2.0 / 512);
}

TEST(StatisticsTest, EqualDifferencesLeaveNothingToInfer) {
  const std::vector<double> a{0.1, 0.2, 0.3}, b{1.1, 1.2, 1.3};
  const Paired p = paired(a, b);
  EXPECT_TRUE(p.constant);
  EXPECT_NEAR(p.difference.mean, 1, 1e-12);
  EXPECT_FALSE(p.p_student || p.p_wilcoxon);
  EXPECT_TRUE(paired(a, a).constant);
  EXPECT_FALSE(paired(std::vector<double>{1}, std::vector<double>{2}).constant);
}

// The heights of Darwin's maize, crossed minus self-fertilised (1876): rank sum 24 of 120. SciPy's
// documentation of `wilcoxon` gives this p value.
TEST(StatisticsTest, WilcoxonOfDarwinsMaize) {
  const std::vector<double> d{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75};
  EXPECT_DOUBLE_EQ(wilcoxon_p(d), 0.041259765625);
}

// Every sign pattern of four differences with a tie, counted one by one.
TEST(StatisticsTest, WilcoxonCountsPatternsWithTies) {
  const double ranks[] = {1.5, 1.5, 3, 4};
  for (unsigned signs = 0; signs < 16; ++signs) {
    std::vector<double> d{2, 2, 5, 9};
    double sum = 0;
    for (unsigned i = 0; i < 4; ++i) {
      if ((signs >> i & 1) == 0) d[i] = -d[i];
      if ((signs >> i & 1) != 0) sum += ranks[i];
    }
    unsigned low = 0, high = 0;
    for (unsigned other = 0; other < 16; ++other) {
      double s = 0;
      for (unsigned i = 0; i < 4; ++i) s += (other >> i & 1) != 0 ? ranks[i] : 0;
      low += s <= sum ? 1 : 0;
      high += s >= sum ? 1 : 0;
    }
    EXPECT_DOUBLE_EQ(wilcoxon_p(d), std::min(1.0, 2.0 * std::min(low, high) / 16)) << signs;
  }
  EXPECT_EQ(wilcoxon_p(std::vector<double>{0, 0}), 1);
}

TEST(StatisticsTest, WilcoxonOfManyIsCloseToTheExactOne) {
  std::vector<double> d;
  for (int i = 1; i <= 50; ++i) d.push_back(i % 3 == 0 ? -i : i);
  const double exact = wilcoxon_p(d);
  d.push_back(0.01);  // rank 1 of 51: hardly changes anything, but it is one too many to count
  EXPECT_NEAR(wilcoxon_p(d), exact, 0.1 * exact);
  EXPECT_NE(wilcoxon_p(d), exact);
}

// R: p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm"), and in another order.
TEST(StatisticsTest, Holm) {
  const auto near = [](std::vector<double> got, std::vector<double> wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-12) << i;
  };
  near(holm(std::vector<double>{0.01, 0.02, 0.03, 0.04}), {0.04, 0.06, 0.06, 0.06});
  near(holm(std::vector<double>{0.04, 0.001, 0.9}), {0.08, 0.003, 0.9});
  near(holm(std::vector<double>{0.7, 0.8}), {1, 1});
  near(holm({}), {});
}

// R and NumPy: quantile(c(1, 2, 3, 4), ...).
TEST(StatisticsTest, Quantiles) {
  const std::vector<double> v{1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(quantile(v, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(v, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile(v, 0.95), 3.85);
  EXPECT_DOUBLE_EQ(quantile(v, 1), 4);
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{7}, 0.3), 7);
}

}  // namespace
}  // namespace keelson::lab
