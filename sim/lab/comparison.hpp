// The statistics of a study: per metric and variant its mean, and its difference from the baseline.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/lab/statistics.hpp"
#include "sim/lab/study.hpp"

namespace keelson::lab {

// Of fewer seeds differences say little, whatever they are.
inline constexpr std::size_t kCertainSeeds = 5;

struct Cell {
  Spread spread;
  // From the baseline, over the seeds that both have; absent for the baseline itself.
  std::optional<Paired> difference;
  // Student's p value, corrected (Holm) for all comparisons of this metric; absent where there is
  // none.
  std::optional<double> p;

  // Each of at least kCertainSeeds seeds has the same difference: it does not depend on the seed. Of
  // fewer seeds it may be chance.
  bool certain() const;
  // "***" p < 0.001, "**" p < 0.01, "*" p < 0.05, "=" certain(), "" otherwise.
  std::string mark() const;
};

struct MetricTable {
  std::string name, unit;
  Better better = Better::neither;
  std::vector<Cell> cells;  // one per variant

  // +1: the difference is significant and for the better, -1: for the worse, 0: neither.
  int verdict(std::size_t variant) const;
};

// The metrics in the order in which the runs have them.
std::vector<MetricTable> compare(const Study& study);

// The mean of the runs' curves with its confidence interval at common points.
struct Band {
  std::vector<double> x, mean;
  std::vector<double> low, high;  // empty if there is only one run
};

struct CurveFigure {
  std::string name, unit, over;
  std::vector<Band> bands;  // one per variant; may be empty
};

// Curves over load or time. A point counts where every run of the variant has come so far.
std::vector<CurveFigure> curves(const Study& study);

struct CdfFigure {
  std::string name, unit;
  std::vector<double> shares;  // 0..1, the y axis
  std::vector<Band>
      bands;  // one per variant: `mean` is the value at that share (the x axis), `x` the shares
};

// Distributions: at each share the mean of the runs' quantiles.
std::vector<CdfFigure> cdfs(const Study& study);

}  // namespace keelson::lab
