#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sim/lab/report/chart.hpp"
#include "sim/lab/report/numbers.hpp"
#include "sim/lab/report/parts.hpp"

namespace keelson::lab {

namespace {

constexpr double kForestWidth = 220, kForestMargin = 8;

// All means of a metric on one scale, so that rows can be compared by eye.
struct Scale {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double place(double v) const {
    if (!(high > low)) return kForestWidth / 2;
    return kForestMargin + (v - low) / (high - low) * (kForestWidth - 2 * kForestMargin);
  }
};

Scale scale_of(const MetricTable& table) {
  Scale scale;
  for (const Cell& cell : table.cells) {
    if (cell.spread.n == 0) continue;
    const double margin = cell.spread.margin.value_or(0);
    scale.low = std::min(scale.low, cell.spread.mean - margin);
    scale.high = std::max(scale.high, cell.spread.mean + margin);
  }
  return scale;
}

// The mean as a dot, its interval as a line; dashed: the baseline's mean.
std::string forest(const Cell& cell, double baseline, const Scale& scale, std::size_t colour) {
  if (cell.spread.n == 0) return "";
  const double x = scale.place(cell.spread.mean);
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {0} 22\" aria-hidden=\"true\"><line class=\"zero\" x1=\"{1:.1f}\" "
      "x2=\"{1:.1f}\" y1=\"0\" y2=\"22\"/>",
      kForestWidth, scale.place(baseline));
  if (cell.spread.margin) {
    out += fmt::format(
        "<line class=\"whisker c{0}\" x1=\"{1:.1f}\" x2=\"{2:.1f}\" y1=\"11\" y2=\"11\"/>",
        colour % 8, scale.place(cell.spread.mean - *cell.spread.margin),
        scale.place(cell.spread.mean + *cell.spread.margin));
  }
  return out + fmt::format("<circle class=\"dot c{}\" cx=\"{:.1f}\" cy=\"11\" r=\"4\"/></svg>",
                           colour % 8, x);
}

// With a minus sign instead of a hyphen.
std::string typeset(const std::string& number) {
  return number.starts_with("-") && number.size() > 1 ? "−" + number.substr(1) : number;
}

std::string mean_text(const Spread& s, int decimals) {
  if (s.n == 0) return "–";
  return typeset(rounded(s.mean, decimals)) +
         (s.margin ? " ± " + rounded(*s.margin, decimals) : "");
}

std::string difference_cells(const MetricTable& table, std::size_t variant, int decimals) {
  const Cell& cell = table.cells[variant];
  if (!cell.difference) return "<td class=\"note\">baseline</td><td></td><td></td>";
  const Spread& d = cell.difference->difference;
  if (d.n == 0) return "<td>–</td><td></td><td></td>";
  const int verdict = table.verdict(variant);
  std::string out = fmt::format("<td class=\"{}\">{}{}</td>",
                                verdict > 0   ? "good"
                                : verdict < 0 ? "bad"
                                              : "",
                                typeset(with_sign(d.mean, decimals)),
                                d.margin ? " ± " + rounded(*d.margin, decimals) : "");
  const char* word = verdict > 0 ? "better" : verdict < 0 ? "worse" : "";
  if (cell.difference->constant) {
    out += fmt::format("<td>{}</td><td class=\"left {}\">{}</td>", d.mean == 0 || !cell.certain() ? "" : "every seed",
                       verdict > 0 ? "good" : "bad", d.mean == 0 ? "no difference" : word);
  } else if (cell.p) {
    out += fmt::format(
        "<td title=\"Wilcoxon, uncorrected: {}\">{}</td><td class=\"left {}\">{} {}</td>",
        p_text(*cell.difference->p_wilcoxon), escape_html(p_text(*cell.p)),
        verdict > 0 ? "good" : "bad", word, cell.mark());
  } else {
    out += "<td></td><td></td>";
  }
  return out;
}

// Not every run has every metric: the load may never have come so far.
std::string seeds_note(const Cell& cell, const Plan& plan) {
  if (cell.spread.n == plan.seeds()) return "";
  return fmt::format(" <span class=\"note\">({} of {} seeds)</span>", cell.spread.n, plan.seeds());
}

std::string rows_of(const Study& study, const MetricTable& table) {
  const int decimals = decimals_of(table);
  const Scale scale = scale_of(table);
  const char* direction = table.better == Better::higher  ? "higher is better"
                          : table.better == Better::lower ? "lower is better"
                                                          : "";
  std::string out = fmt::format(
      "<tbody><tr class=\"metric\"><th scope=\"rowgroup\" colspan=\"7\">{}<span "
      "class=\"note\">{}</span></th></tr>",
      escape_html(with_unit(readable(table.name), table.unit)), direction);
  for (std::size_t i = 0; i < table.cells.size(); ++i) {
    const Cell& cell = table.cells[i];
    const double baseline = table.cells[baseline_of(study.plan, i)].spread.mean;
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"forest\">{}</td>{}</tr>",
        escape_html(label_of(study.plan, i)) + seeds_note(cell, study.plan),
        mean_text(cell.spread, decimals),
        cell.spread.n == 0 ? "–" : typeset(rounded(cell.spread.median, decimals)),
        forest(cell, baseline, scale, i), difference_cells(table, i, decimals));
  }
  return out + "</tbody>";
}

std::string notes_list(const Study& study, const std::vector<MetricTable>& tables) {
  std::string out;
  for (const std::string& note : notes_on(study, tables)) {
    out += "<p class=\"note\">" + escape_html(note) + "</p>";
  }
  return out;
}

}  // namespace

std::string summary_html(const Study& study, const std::vector<MetricTable>& tables) {
  if (tables.empty()) return "";
  std::string out =
      "<section><h2>What came out</h2><div class=\"scroll\"><table class=\"summary\"><thead><tr>"
      "<th scope=\"col\" class=\"left\">Policy</th><th scope=\"col\">Mean</th><th "
      "scope=\"col\">Median</th>"
      "<th scope=\"col\" class=\"left\">Mean and interval</th><th scope=\"col\">Difference</th>"
      "<th scope=\"col\">p</th><th scope=\"col\" class=\"left\">Finding</th></tr></thead>";
  for (const MetricTable& table : tables) out += rows_of(study, table);
  const uint64_t seeds = study.plan.seeds();
  out += "</table></div><p class=\"note\">";
  if (seeds < 2) {
    return out +
           "One seed: there is no telling how much of a difference is chance. More seeds "
           "(<code>--seeds A..B</code>) give intervals.</p>" + notes_list(study, tables) +
           "</section>";
  }
  return out + fmt::format(
                   "± is the 95 % confidence interval of the mean over {} seeds (Student’s t). "
                   "Differences "
                   "are paired: each policy saw the same workload with the same seed. p is that of "
                   "the paired "
                   "t test, corrected for all comparisons of the metric (Holm); * below 0.05, ** "
                   "below 0.01, "
                   "*** below 0.001. Wilcoxon’s signed-rank test, which takes nothing for normally "
                   "distributed, is shown under the pointer. A dashed line marks the "
                   "baseline.</p>{}</section>",
                   seeds, notes_list(study, tables));
}

}  // namespace keelson::lab
