#include <algorithm>
#include <cmath>

#include "sim/lab/comparison.hpp"

namespace keelson::lab {

namespace {

// More than a page is wide.
constexpr std::size_t kPoints = 200;

// The curve's value at x, between its points on a straight line. REQUIRES: x within it, not empty.
double at(const Series& s, double x) {
  const auto above = std::lower_bound(s.x.begin(), s.x.end(), x);
  const auto i = static_cast<std::size_t>(above - s.x.begin());
  if (i == s.x.size()) return s.y.back();
  if (i == 0 || s.x[i] == x) return s.y[i];
  const double share = (x - s.x[i - 1]) / (s.x[i] - s.x[i - 1]);
  return s.y[i - 1] + share * (s.y[i] - s.y[i - 1]);
}

// Where all curves can be read: their own points if they share them, else evenly spaced ones.
std::vector<double> common_points(const std::vector<const Series*>& all) {
  const bool same = std::all_of(all.begin(), all.end(), [&](const Series* s) {
    return s->x.size() <= 2 * kPoints && s->x == all.front()->x;
  });
  if (same) return all.front()->x;
  double low = all.front()->x.front(), high = low;
  for (const Series* s : all) {
    low = std::min(low, s->x.front());
    high = std::max(high, s->x.back());
  }
  std::vector<double> points;
  for (std::size_t i = 0; i <= kPoints; ++i) {
    points.push_back(low + (high - low) * static_cast<double>(i) / kPoints);
  }
  return points;
}

void add_point(Band& band, double x, const std::vector<double>& values) {
  const Spread spread = spread_of(values);
  if (!std::isfinite(spread.mean)) return;
  band.x.push_back(x);
  band.mean.push_back(spread.mean);
  if (!spread.margin) return;
  band.low.push_back(spread.mean - *spread.margin);
  band.high.push_back(spread.mean + *spread.margin);
}

Band band_of(const std::vector<const Series*>& runs, const std::vector<double>& points) {
  Band band;
  if (runs.empty()) return band;
  for (const double x : points) {
    std::vector<double> values;
    for (const Series* s : runs) {
      if (x >= s->x.front() && x <= s->x.back()) values.push_back(at(*s, x));
    }
    if (values.size() == runs.size()) add_point(band, x, values);
  }
  return band;
}

// The named thing of each run, by variant.
template <class T>
std::vector<std::vector<const T*>> gather(const Study& study, const std::string& name,
                                          std::vector<T> Outcome::*list) {
  std::vector<std::vector<const T*>> found(study.plan.variants.size());
  for (const StudyRun& run : study.runs) {
    for (const T& entry : run.outcome.*list) {
      if (entry.name == name) found[study.plan.variant_of(run.number)].push_back(&entry);
    }
  }
  return found;
}

std::vector<double> cdf_shares() {
  std::vector<double> shares;
  for (int i = 0; i < 100; ++i) shares.push_back(i / 100.0);
  for (const double tail : {0.995, 0.999, 1.0}) shares.push_back(tail);
  return shares;
}

}  // namespace

std::vector<CurveFigure> curves(const Study& study) {
  std::vector<CurveFigure> figures;
  for (const StudyRun& run : study.runs) {
    for (const Series& s : run.outcome.series) {
      const bool known = std::any_of(figures.begin(), figures.end(),
                                     [&](const CurveFigure& f) { return f.name == s.name; });
      if (!known) figures.push_back({s.name, s.unit, s.over, {}});
    }
  }
  for (CurveFigure& figure : figures) {
    auto runs = gather(study, figure.name, &Outcome::series);
    std::vector<const Series*> all;
    for (auto& variant : runs) {
      std::erase_if(variant, [](const Series* s) { return s->x.empty(); });
      all.insert(all.end(), variant.begin(), variant.end());
    }
    const std::vector<double> points = all.empty() ? std::vector<double>{} : common_points(all);
    for (const auto& variant : runs) figure.bands.push_back(band_of(variant, points));
  }
  return figures;
}

std::vector<CdfFigure> cdfs(const Study& study) {
  std::vector<CdfFigure> figures;
  for (const StudyRun& run : study.runs) {
    for (const Distribution& d : run.outcome.distributions) {
      const bool known = std::any_of(figures.begin(), figures.end(),
                                     [&](const CdfFigure& f) { return f.name == d.name; });
      if (!known) figures.push_back({d.name, d.unit, cdf_shares(), {}});
    }
  }
  for (CdfFigure& figure : figures) {
    for (auto& runs : gather(study, figure.name, &Outcome::distributions)) {
      std::erase_if(runs, [](const Distribution* d) { return d->values.empty(); });
      Band band;
      for (const double share : figure.shares) {
        std::vector<double> values;
        for (const Distribution* d : runs) values.push_back(quantile(d->values, share));
        if (!values.empty()) add_point(band, share, values);
      }
      figure.bands.push_back(std::move(band));
    }
  }
  return figures;
}

}  // namespace keelson::lab
