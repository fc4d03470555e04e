// What several seeds of one experiment say together, and whether two policies differ. Pure
// functions over doubles; they report, nothing decides by them. The last bits may depend on the
// machine's math library, so what is written out is rounded (results.hpp).
//
// The rules are those of any text book: Student's t (Student, "The probable error of a mean",
// 1908), Wilcoxon's signed ranks (1945), Holm's step-down correction (1979), quantiles by linear
// interpolation (type 7 of Hyndman and Fan, 1996: the default of R and NumPy).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace keelson::lab {

// How sure an interval is to hold the true mean.
inline constexpr double kConfidence = 0.95;

struct Spread {
  std::size_t n = 0;
  double mean = 0, median = 0;
  double deviation = 0;  // of the sample (n - 1); 0 for n < 2
  // Half the width of the confidence interval of the mean, mean ± margin. Absent for n < 2: one run
  // says nothing about the next.
  std::optional<double> margin;
};

// Of no values: n = 0 and zeros.
Spread spread_of(std::span<const double> values);

// Two policies over the same seeds: the differences b - a, seed by seed. What all runs of a seed
// have in common (the shuffle, the sample of pods) cancels out, so few seeds suffice.
struct Paired {
  Spread difference;
  // Two-sided: how likely so large a difference is if there were none. By Student's t, which takes
  // the differences for normally distributed; and by Wilcoxon's ranks, which does not, but cannot
  // go below 2^(1-n). Absent for n < 2, and where each seed has the same difference: the experiment
  // does not depend on the seed then, and there is nothing to infer.
  std::optional<double> p_student, p_wilcoxon;
  bool constant = false;  // n >= 2 and each seed has the same difference
};

// REQUIRES: a and b of equal length.
Paired paired(std::span<const double> a, std::span<const double> b);

// The quantile `share` (0..1) of sorted values. REQUIRES: not empty.
double quantile(std::span<const double> sorted, double share);

// The half-width, in standard errors, of a confidence interval with so many degrees of freedom.
double student_margin(double degrees);
// Two-sided p value of t.
double student_p(double t, double degrees);
// Two-sided p value of the signed ranks: exact up to 50 differences, ties and all, by counting the
// sign patterns that are as extreme; beyond, the normal approximation with the correction for ties.
// Zeros are dropped, as Wilcoxon did; 1 if nothing is left.
double wilcoxon_p(std::span<const double> differences);

// Corrects p values of comparisons that are looked at together, in their order: with 20 comparisons
// one in 20 would look significant by chance.
std::vector<double> holm(std::span<const double> p);

}  // namespace keelson::lab
