#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "sim/lab/report/chart.hpp"
#include "sim/lab/report/numbers.hpp"
#include "sim/lab/report/parts.hpp"

namespace keelson::lab {

namespace {

constexpr std::size_t kTableRows = 14;
// More lines cannot be told apart; a large sweep has charts of its own.
constexpr std::size_t kLinesMax = 12;

std::string figure(const Chart& chart, const std::string& caption, const std::string& table) {
  return "<figure><h3>" + escape_html(chart.title) + "</h3><div class=\"scroll\">" + draw(chart) +
         "</div>" + (caption.empty() ? "" : "<figcaption>" + caption + "</figcaption>") +
         "<details><summary>The same as a table</summary><div class=\"scroll\">" +
         table + "</div></details></figure>";
}
std::string figure(const Chart& chart, const std::string& caption) {
  return figure(chart, caption, table_of(chart, kTableRows));
}

// The quantiles that people ask for, each read at its share: along the values, steps of the same
// length would miss a tail.
std::string quantiles_of(const CdfFigure& cdf, const Chart& chart) {
  constexpr std::pair<const char*, double> kRows[] = {
      {"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};
  std::string out = "<table class=\"values\"><caption>" + escape_html(chart.x_name) +
                    "</caption><thead><tr><th scope=\"col\">quantile</th>";
  for (const Line& line : chart.lines)
    out += "<th scope=\"col\">" + escape_html(line.label) + "</th>";
  out += "</tr></thead><tbody>";
  for (const auto& [name, share] : kRows) {
    out += std::string("<tr><th scope=\"row\">") + name + "</th>";
    for (std::size_t i = 0; i < chart.lines.size(); ++i) {
      const Band& band = cdf.bands[i];
      const auto at = std::find(band.x.begin(), band.x.end(), share);
      out += "<td>" + (at == band.x.end() ? std::string("–")
                                          : short_number(band.mean[static_cast<std::size_t>(
                                                at - band.x.begin())])) + "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table>";
}

struct TimeUnit {
  const char* name;
  double seconds;
};

// In which a length of time has a few digits.
TimeUnit unit_for(double seconds) {
  if (seconds >= 3 * 86'400) return {"days", 86'400};
  if (seconds >= 3 * 3'600) return {"h", 3'600};
  if (seconds >= 3 * 60) return {"min", 60};
  return {"s", 1};
}

Chart chart_of(const CurveFigure& curve, const Plan& plan) {
  Chart chart;
  const bool load = curve.over == "load";
  double longest = 0;
  for (const Band& band : curve.bands)
    longest = std::max(longest, band.x.empty() ? 0 : band.x.back());
  const TimeUnit time = load ? TimeUnit{"", 1} : unit_for(longest);
  chart.title = readable(curve.name) + (load ? " as load arrives" : " over time");
  chart.x_name = load ? "load that has arrived (% of capacity)" : with_unit("time", time.name);
  chart.y_name = with_unit(readable(curve.name), curve.unit);
  for (std::size_t i = 0; i < std::min(curve.bands.size(), kLinesMax); ++i) {
    const Band& band = curve.bands[i];
    Line line{label_of(plan, i), i, band.x, band.mean, {}, {}, {}, {}};
    for (double& x : line.x) x /= time.seconds;
    if (!band.low.empty()) {
      line.low_x = line.high_x = line.x;
      line.low_y = band.low, line.high_y = band.high;
    }
    chart.lines.push_back(std::move(line));
  }
  return chart;
}

// Waiting times spread over powers of ten: linear axes would show one long tail.
bool wants_log(const CdfFigure& cdf) {
  double most = 0, typical = 0;
  for (const Band& band : cdf.bands) {
    if (band.mean.empty() || band.mean.front() < 0) continue;
    most = std::max(most, band.mean.back());
    // The median, or the next that is not zero: most pods may not wait at all.
    const auto middle = band.mean.begin() + static_cast<std::ptrdiff_t>(band.mean.size() / 2);
    const auto first = std::find_if(middle, band.mean.end(), [](double v) { return v > 0; });
    if (first != band.mean.end()) typical = std::max(typical, *first);
  }
  return typical > 0 && most > 50 * typical;
}

Chart chart_of(const CdfFigure& cdf, const Plan& plan) {
  Chart chart;
  chart.title = "Distribution of " + readable(cdf.name);
  chart.title[16] = static_cast<char>(std::tolower(static_cast<unsigned char>(chart.title[16])));
  if (cdf.name.starts_with("gpu") || cdf.name.starts_with("cpu"))
    chart.title = "Distribution of " + readable(cdf.name);
  chart.x_name = with_unit(readable(cdf.name), cdf.unit);
  chart.y_name = "share of pods up to this (%)";
  chart.log_x = wants_log(cdf);
  chart.y_from_zero_to_100 = true;
  for (std::size_t i = 0; i < std::min(cdf.bands.size(), kLinesMax); ++i) {
    const Band& band = cdf.bands[i];
    std::vector<double> percent = band.x;
    for (double& share : percent) share *= 100;
    Line line{label_of(plan, i), i, band.mean, percent, {}, {}, {}, {}};
    if (!band.low.empty()) {
      line.low_x = band.low, line.high_x = band.high;
      line.low_y = line.high_y = percent;
    }
    chart.lines.push_back(std::move(line));
  }
  // Beyond its largest value a distribution stays at 100 %.
  double largest = 0;
  for (const Line& line : chart.lines)
    largest = std::max(largest, line.x.empty() ? 0 : line.x.back());
  for (Line& line : chart.lines) {
    if (line.x.empty() || line.x.back() >= largest) continue;
    line.x.push_back(largest);
    line.y.push_back(100);
  }
  return chart;
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// A metric over the numbers of the first sweep; a line for each policy and each of the other
// settings.
std::optional<Chart> sweep_chart(const MetricTable& table, const Plan& plan) {
  if (plan.variants.front().settings.empty()) return std::nullopt;
  const std::string& swept = plan.variants.front().settings.front().name;
  Chart chart;
  chart.title = readable(table.name) + " over " + swept;
  chart.x_name = swept;
  chart.y_name = with_unit(readable(table.name), table.unit);
  chart.markers = true;
  struct Point {
    double x, y, margin;
  };
  std::vector<std::pair<std::string, std::vector<Point>>> lines;
  for (std::size_t i = 0; i < plan.variants.size(); ++i) {
    const Variant& v = plan.variants[i];
    const auto x = number_of(v.settings.front().value);
    if (!x) return std::nullopt;
    std::string label = v.policy;
    for (std::size_t s = 1; s < v.settings.size(); ++s) {
      label += ", " + v.settings[s].name + "=" + v.settings[s].value;
    }
    const auto found =
        std::find_if(lines.begin(), lines.end(), [&](const auto& l) { return l.first == label; });
    auto& points = found == lines.end() ? lines.emplace_back(label, std::vector<Point>{}).second
                                        : found->second;
    const Spread& s = table.cells[i].spread;
    if (s.n > 0) points.push_back({*x, s.mean, s.margin.value_or(0)});
  }
  bool several = false;
  for (auto& [label, points] : lines) {
    std::stable_sort(points.begin(), points.end(),
                     [](const Point& a, const Point& b) { return a.x < b.x; });
    Line line{label, chart.lines.size(), {}, {}, {}, {}, {}, {}};
    for (const Point& p : points) {
      line.x.push_back(p.x);
      line.y.push_back(p.y);
      line.low_y.push_back(p.y - p.margin);
      line.high_y.push_back(p.y + p.margin);
    }
    line.low_x = line.high_x = line.x;
    several = several || points.size() > 1;
    chart.lines.push_back(std::move(line));
  }
  if (!several) return std::nullopt;
  return chart;
}

std::string section(const std::string& title, const std::string& note, const std::string& figures) {
  if (figures.empty()) return "";
  return "<section><h2>" + title + "</h2><p class=\"note\">" + note +
         "</p><div class=\"figures\">" + figures + "</div></section>";
}

}  // namespace

std::string readable(std::string_view kebab) {
  // "...-at-100": when so much load had arrived.
  const auto at_load = kebab.rfind("-at-");
  if (at_load != kebab.npos && kebab.find_first_not_of("0123456789", at_load + 4) == kebab.npos) {
    const std::string_view load = kebab.substr(at_load + 4);
    return readable(kebab.substr(0, at_load)) +
           (load == "100" ? " at full load" : " at load " + std::string(load));
  }
  std::string out(kebab);
  std::replace(out.begin(), out.end(), '-', ' ');
  for (const std::string_view word : {"cpu", "gpu"}) {
    for (std::size_t at = out.find(word); at != std::string::npos; at = out.find(word, at + 1)) {
      for (std::size_t i = 0; i < word.size(); ++i)
        out[at + i] = static_cast<char>(out[at + i] - 'a' + 'A');
    }
  }
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z')
    out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

std::string with_unit(std::string_view name, std::string_view unit) {
  return unit.empty() ? std::string(name) : fmt::format("{} ({})", name, unit);
}

std::string figures_html(const Study& study, const std::vector<MetricTable>& tables) {
  const bool bands = study.plan.seeds() > 1;
  const std::string note =
      bands ? "Lines are means over the seeds, bands their 95 % confidence intervals."
            : "One seed.";
  const bool all = study.plan.variants.size() <= kLinesMax;
  const std::string some = all ? note : note + fmt::format(" The first {} variants.", kLinesMax);
  std::string over_sweep, over_load, distributions;
  for (const MetricTable& table : tables) {
    if (const auto chart = sweep_chart(table, study.plan)) over_sweep += figure(*chart, "");
  }
  for (const CurveFigure& curve : curves(study))
    over_load += figure(chart_of(curve, study.plan), "");
  for (const CdfFigure& cdf : cdfs(study)) {
    const Chart chart = chart_of(cdf, study.plan);
    distributions +=
        figure(chart, chart.log_x ? "Logarithmic; what is zero stands at the left edge." : "",
               quantiles_of(cdf, chart));
  }
  return section("What the swept settings do", note, over_sweep) +
         section("How it came about", some, over_load) +
         section("Distributions", some, distributions);
}

}  // namespace keelson::lab
