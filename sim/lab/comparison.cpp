#include "sim/lab/comparison.hpp"

#include <algorithm>
#include <cmath>

namespace keelson::lab {

namespace {

// The values of one metric, by variant and by seed (relative to the first); NaN where there is
// none.
std::vector<std::vector<double>> values_of(const Study& study, const std::string& name) {
  const std::vector<double> none(study.plan.seeds(), std::nan(""));
  std::vector<std::vector<double>> values(study.plan.variants.size(), none);
  for (const StudyRun& run : study.runs) {
    const uint64_t seed = study.plan.seed_of(run.number) - study.plan.first_seed;
    for (const Metric& m : run.outcome.metrics) {
      if (m.name == name) values[study.plan.variant_of(run.number)][seed] = m.value;
    }
  }
  return values;
}

std::vector<double> finite(const std::vector<double>& values) {
  std::vector<double> out;
  std::copy_if(values.begin(), values.end(), std::back_inserter(out),
               [](double v) { return std::isfinite(v); });
  return out;
}

Paired paired_by_seed(const std::vector<double>& base, const std::vector<double>& other) {
  std::vector<double> a, b;
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (!std::isfinite(base[i]) || !std::isfinite(other[i])) continue;
    a.push_back(base[i]);
    b.push_back(other[i]);
  }
  return paired(a, b);
}

void correct(MetricTable& table) {
  std::vector<double> p;
  for (const Cell& cell : table.cells) {
    if (cell.difference && cell.difference->p_student) p.push_back(*cell.difference->p_student);
  }
  const std::vector<double> corrected = holm(p);
  std::size_t next = 0;
  for (Cell& cell : table.cells) {
    if (cell.difference && cell.difference->p_student) cell.p = corrected[next++];
  }
}

}  // namespace

bool Cell::certain() const {
  return difference && difference->constant && difference->difference.n >= kCertainSeeds;
}

std::string Cell::mark() const {
  if (certain()) return "=";
  if (!p) return "";
  return *p < 0.001 ? "***" : *p < 0.01 ? "**" : *p < 0.05 ? "*" : "";
}

int MetricTable::verdict(std::size_t variant) const {
  const Cell& cell = cells[variant];
  if (!cell.difference || better == Better::neither) return 0;
  const double difference = cell.difference->difference.mean;
  const bool differs = cell.certain() || (cell.p && *cell.p < 0.05);
  if (!differs || difference == 0) return 0;
  return (difference > 0) == (better == Better::higher) ? 1 : -1;
}

std::vector<MetricTable> compare(const Study& study) {
  std::vector<MetricTable> tables;
  for (const StudyRun& run : study.runs) {
    for (const Metric& m : run.outcome.metrics) {
      const bool known = std::any_of(tables.begin(), tables.end(),
                                     [&](const MetricTable& t) { return t.name == m.name; });
      if (!known) tables.push_back({m.name, m.unit, m.better, {}});
    }
  }
  for (MetricTable& table : tables) {
    const std::vector<std::vector<double>> values = values_of(study, table.name);
    for (std::size_t i = 0; i < study.plan.variants.size(); ++i) {
      Cell cell;
      cell.spread = spread_of(finite(values[i]));
      const std::size_t base = baseline_of(study.plan, i);
      if (base != i) cell.difference = paired_by_seed(values[base], values[i]);
      table.cells.push_back(std::move(cell));
    }
    correct(table);
  }
  return tables;
}

}  // namespace keelson::lab
