#include "sim/lab/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "core/base/assert.hpp"

namespace keelson::lab {

namespace {

// Counting sign patterns in doubles stays exact below 2^53 patterns.
constexpr std::size_t kExactMax = 50;

// Without promotion to long double: half the time to compile, and 15 digits are plenty. Values that
// are too large for any statistics give NaN, not an exception.
namespace precision = boost::math::policies;
using Precision = precision::policy<precision::promote_double<false>,
                                    precision::domain_error<precision::ignore_error>,
                                    precision::overflow_error<precision::ignore_error>,
                                    precision::evaluation_error<precision::ignore_error>>;
using Student = boost::math::students_t_distribution<double, Precision>;

struct Ranked {
  double size;  // |difference|
  bool positive;
  std::size_t twice_rank;  // tied differences share their mean rank, which may end in a half
};

std::vector<Ranked> rank(std::span<const double> differences) {
  std::vector<Ranked> ranked;
  for (const double d : differences) {
    if (d != 0) ranked.push_back({std::fabs(d), d > 0, 0});
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const Ranked& a, const Ranked& b) { return a.size < b.size; });
  for (std::size_t i = 0; i < ranked.size();) {
    std::size_t end = i;
    while (end < ranked.size() && ranked[end].size == ranked[i].size) ++end;
    for (std::size_t k = i; k < end; ++k) ranked[k].twice_rank = i + 1 + end;
    i = end;
  }
  return ranked;
}

// The share of the 2^n sign patterns whose positive ranks sum to at most `sum` (doubled ranks).
double share_up_to(const std::vector<Ranked>& ranked, std::size_t sum) {
  const std::size_t total = ranked.size() * (ranked.size() + 1);
  std::vector<double> patterns(total + 1, 0.0);
  patterns[0] = 1;
  for (const Ranked& r : ranked) {
    for (std::size_t s = total; s >= r.twice_rank; --s) patterns[s] += patterns[s - r.twice_rank];
  }
  return std::accumulate(patterns.begin(), patterns.begin() + static_cast<std::ptrdiff_t>(sum) + 1,
                         0.0) /
         std::ldexp(1.0, static_cast<int>(ranked.size()));
}

double normal_p(const std::vector<Ranked>& ranked, double rank_sum) {
  const double n = static_cast<double>(ranked.size());
  double ties = 0;
  for (std::size_t i = 0; i < ranked.size();) {
    std::size_t end = i;
    while (end < ranked.size() && ranked[end].size == ranked[i].size) ++end;
    const double t = static_cast<double>(end - i);
    ties += t * t * t - t;
    i = end;
  }
  const double variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
  return std::erfc(std::fabs(rank_sum - n * (n + 1) / 4) / std::sqrt(2 * variance));
}

}  // namespace

double student_margin(double degrees) {
  return boost::math::quantile(Student(degrees), 0.5 + kConfidence / 2);
}

double student_p(double t, double degrees) {
  return 2 * boost::math::cdf(boost::math::complement(Student(degrees), std::fabs(t)));
}

Spread spread_of(std::span<const double> values) {
  Spread spread;
  spread.n = values.size();
  if (values.empty()) return spread;
  const double n = static_cast<double>(values.size());
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  spread.median = quantile(sorted, 0.5);
  if (values.size() < 2) return spread;
  // A sum of equal values need not give their mean back to the last bit; a deviation of 1e-17 would
  // pass for a tiny but real one.
  if (sorted.front() == sorted.back()) {
    spread.mean = sorted.front();
    spread.margin = 0;
    return spread;
  }
  double squares = 0;
  for (const double v : values) squares += (v - spread.mean) * (v - spread.mean);
  spread.deviation = std::sqrt(squares / (n - 1));
  spread.margin = student_margin(n - 1) * spread.deviation / std::sqrt(n);
  return spread;
}

Paired paired(std::span<const double> a, std::span<const double> b) {
  KEELSON_ASSERT(a.size() == b.size());
  std::vector<double> differences(a.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences[i] = b[i] - a[i];
    largest = std::max({largest, std::fabs(a[i]), std::fabs(b[i])});
  }
  Paired result;
  result.difference = spread_of(differences);
  if (a.size() < 2) return result;
  // Values are given with 12 digits: differences that vary in the 13th do not vary.
  const auto [low, high] = std::minmax_element(differences.begin(), differences.end());
  if (*high - *low <= largest * 1e-12) {
    result.constant = true;
    result.difference.deviation = 0;
    result.difference.margin = 0;
    return result;
  }
  const double n = static_cast<double>(a.size());
  const double error = result.difference.deviation / std::sqrt(n);
  result.p_student = student_p(result.difference.mean / error, n - 1);
  result.p_wilcoxon = wilcoxon_p(differences);
  return result;
}

double quantile(std::span<const double> sorted, double share) {
  KEELSON_ASSERT(!sorted.empty());
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

double wilcoxon_p(std::span<const double> differences) {
  const std::vector<Ranked> ranked = rank(differences);
  if (ranked.empty()) return 1;
  std::size_t positive = 0;
  for (const Ranked& r : ranked) positive += r.positive ? r.twice_rank : 0;
  if (ranked.size() > kExactMax) return normal_p(ranked, static_cast<double>(positive) / 2);
  // The distribution is symmetric: the smaller of the two sums, and twice its tail.
  const std::size_t total = ranked.size() * (ranked.size() + 1);
  return std::min(1.0, 2 * share_up_to(ranked, std::min(positive, total - positive)));
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, static_cast<double>(p.size() - i) * p[order[i]]);
    corrected[order[i]] = std::min(1.0, largest);
  }
  return corrected;
}

}  // namespace keelson::lab
