#include "sim/lab/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/lab/comparison.hpp"
#include "sim/lab/json_writer.hpp"
#include "sim/lab/report/numbers.hpp"
#include "sim/lab/report/parts.hpp"

namespace keelson::lab {

namespace {

std::string with_margin(double value, const std::optional<double>& margin, int decimals,
                        bool sign) {
  const std::string text = sign ? with_sign(value, decimals) : rounded(value, decimals);
  return margin ? text + " ± " + rounded(*margin, decimals) : text;
}

// "±" is two bytes and one column.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width > columns(text) ? width - columns(text) : 0, ' ');
  return right ? space + text : text + space;
}

struct Row {
  std::string label, mean, difference, finding;
};

Row row_of(const Study& study, const MetricTable& table, std::size_t i, int decimals) {
  const Cell& cell = table.cells[i];
  Row row;
  row.label = label_of(study.plan, i);
  row.mean =
      cell.spread.n == 0 ? "-" : with_margin(cell.spread.mean, cell.spread.margin, decimals, false);
  if (cell.spread.n < study.plan.seeds()) row.label += fmt::format(" ({} seeds)", cell.spread.n);
  if (!cell.difference) return row;
  const Spread& d = cell.difference->difference;
  if (d.n == 0) return row;
  row.difference = with_margin(d.mean, d.margin, decimals, true);
  row.finding = cell.mark();
  const int verdict = table.verdict(i);
  if (cell.difference->constant) {
    row.finding = d.mean == 0 ? "no difference" : cell.certain() ? "every seed" : "";
  }
  if (verdict != 0) row.finding += verdict > 0 ? " better" : " worse";
  return row;
}

std::string block(const Study& study, const MetricTable& table) {
  const int decimals = decimals_of(table);
  std::vector<Row> rows;
  std::size_t label = 0, mean = 0, difference = 0;
  for (std::size_t i = 0; i < table.cells.size(); ++i) {
    rows.push_back(row_of(study, table, i, decimals));
    label = std::max(label, columns(rows[i].label));
    mean = std::max(mean, columns(rows[i].mean));
    difference = std::max(difference, columns(rows[i].difference));
  }
  std::string out = "\n" + table.name + (table.unit.empty() ? "" : " (" + table.unit + ")");
  if (table.better == Better::higher) out += ", higher is better";
  if (table.better == Better::lower) out += ", lower is better";
  out += "\n";
  for (const Row& row : rows) {
    std::string line = "  " + padded(row.label, label, false) + "  " + padded(row.mean, mean, true);
    line += "   " + padded(row.difference, difference, true) + "  " + row.finding;
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string text_report(const Study& study) {
  const Plan& plan = study.plan;
  std::string out = plan.name;
  if (!plan.description.empty()) out += ": " + plan.description;
  out +=
      fmt::format("\n{}; {} {}, {}\n", plan.workload, plan.variants.size(),
                  plan.variants.size() == 1 ? "variant" : "variants",
                  plan.seeds() == 1 ? fmt::format("seed {}", plan.first_seed)
                                    : fmt::format("seeds {}..{}", plan.first_seed, plan.last_seed));
  const std::vector<MetricTable> tables = compare(study);
  for (const MetricTable& table : tables) out += block(study, table);
  out += "\n";
  if (plan.seeds() > 1) {
    const bool one_baseline = baseline_of(plan, plan.variants.size() - 1) == 0;
    out += fmt::format(
        "mean ± 95 % confidence interval; then the difference from the first {}, paired by seed:\n"
        "* p < 0.05, ** p < 0.01, *** p < 0.001 (paired t test, Holm's correction)\n",
        one_baseline ? "line" : "policy with the same settings");
  } else {
    out += "one seed: there is no telling how much of a difference is chance (--seeds A..B)\n";
  }
  for (const std::string& note : notes_on(study, tables)) out += note + "\n";
  if (!study.complete()) {
    out += fmt::format("INCOMPLETE: {} of {} runs are missing\n", plan.runs() - study.runs.size(),
                       plan.runs());
  }
  return out + "inputs " + hash_text(plan.inputs) + ", decisions " + hash_text(study.hash()) + "\n";
}

}  // namespace keelson::lab
