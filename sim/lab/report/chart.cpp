#include "sim/lab/report/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "sim/lab/report/numbers.hpp"

namespace keelson::lab {

namespace {

// In the units of the viewBox, which are pixels at full width.
constexpr double kWidth = 640, kHeight = 340;
constexpr double kLeft = 62, kTop = 14, kBottom = 46;
constexpr double kLabelHeight = 15, kLetter = 7.4;
constexpr double kLabelsMax = 210;
constexpr int kTicks = 6;

struct Axis {
  double low = 0, high = 1;  // in data units
  double from = 0, to = 1;   // in pixels
  bool log = false;

  double place(double v) const {
    const double share =
        log ? std::log(std::max(v, low) / low) / std::log(high / low) : (v - low) / (high - low);
    return from + share * (to - from);
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double above_zero = std::numeric_limits<double>::infinity();  // the lowest such value
  void add(const std::vector<double>& values) {
    for (const double v : values) {
      low = std::min(low, v);
      high = std::max(high, v);
      if (v > 0) above_zero = std::min(above_zero, v);
    }
  }
};

std::string point(double x, double y) {
  return fmt::format("{:.1f} {:.1f}", x, y);
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    std::size_t longest = 4;
    for (const Line& line : chart.lines) longest = std::max(longest, line.label.size());
    const double labels = std::min(kLabelsMax, 22 + kLetter * static_cast<double>(longest));
    x_ = {0, 1, kLeft, kWidth - labels, chart.log_x};
    y_ = {0, 1, kHeight - kBottom, kTop, false};
    fit();
  }

  std::string text() {
    out_ = fmt::format(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" tabindex=\"0\" "
        "data-x-name=\"{}\" data-x-axis=\"{} {} {} {} {}\" data-y-axis=\"{} {} {} {}\">",
        kWidth, kHeight, escape_html(chart_.title), escape_html(chart_.x_name), x_.low, x_.high,
        x_.from, x_.to, x_.log ? "log" : "linear", y_.low, y_.high, y_.from, y_.to);
    draw_y_axis();
    draw_x_axis();
    for (const Line& line : chart_.lines) draw_band(line);
    for (const Line& line : chart_.lines) draw_line(line);
    draw_labels();
    return out_ + "<line class=\"cursor\" hidden=\"\"/></svg>";
  }

 private:
  void fit() {
    Range x, y;
    for (const Line& line : chart_.lines) {
      x.add(line.x);
      y.add(line.y);
      y.add(line.low_y);
      y.add(line.high_y);
    }
    if (x.low < x.high) x_.low = x.low, x_.high = x.high;
    if (x_.log) {
      // Five powers of ten are as much as one sees.
      x_.low = std::isfinite(x.above_zero) ? std::max(x.above_zero, x.high / 1e5) : 1;
      if (!(x_.high > x_.low)) x_.log = false, x_.low = 0;
    }
    if (chart_.y_from_zero_to_100) {
      y_.low = 0, y_.high = 100;
    } else if (y.low <= y.high) {
      // Zero is shown where it is not far away; a flat line still gets some height.
      const double height = std::max(y.high - y.low, std::fabs(y.high) * 1e-3 + 1e-9);
      y_.low = y.low >= 0 && y.low < height ? 0 : y.low - 0.05 * height;
      y_.high = y.high + 0.05 * height;
      // Up to the next round number where that is near.
      const Ticks ticks = round_ticks(y_.low, y_.high, kTicks);
      if (ticks.at.size() > 1) {
        const double next = 2 * ticks.at.back() - ticks.at[ticks.at.size() - 2];
        if (next - y_.high < 0.5 * (next - ticks.at.back())) y_.high = next;
      }
    }
  }

  void draw_y_axis() {
    const Ticks ticks = round_ticks(y_.low, y_.high, kTicks);
    for (const double v : ticks.at) {
      const double y = y_.place(v);
      out_ += fmt::format(
          "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
          "<text class=\"tick\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>",
          x_.from, x_.to, y, x_.from - 7, y + 4, tick_text(v, ticks.decimals));
    }
    const double middle = (y_.from + y_.to) / 2;
    out_ += fmt::format(
        "<text class=\"axis\" transform=\"translate(13 {:.1f}) rotate(-90)\" "
        "text-anchor=\"middle\">{}</text>",
        middle, escape_html(chart_.y_name));
  }

  void draw_x_axis() {
    Ticks ticks;
    if (x_.log) {
      double power = 1;
      while (power > x_.low) power /= 10;
      while (power < x_.low * (1 - 1e-9)) power *= 10;
      for (; power <= x_.high; power *= 10) ticks.at.push_back(power);
    } else {
      ticks = round_ticks(x_.low, x_.high, 7);
    }
    out_ += fmt::format("<line class=\"base\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>",
                        x_.from, x_.to, y_.from);
    for (const double v : ticks.at) {
      out_ += fmt::format(
          "<line class=\"base\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
          "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>",
          x_.place(v), y_.from, y_.from + 5, y_.from + 19,
          x_.log ? short_number(v) : tick_text(v, ticks.decimals));
    }
    out_ +=
        fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    (x_.from + x_.to) / 2, kHeight - 8, escape_html(chart_.x_name));
  }

  static std::string tick_text(double v, int decimals) {
    return decimals > 0 ? rounded(v, decimals) : short_number(v);
  }

  std::string path(const std::vector<double>& x, const std::vector<double>& y) const {
    std::string d;
    for (std::size_t i = 0; i < x.size(); ++i) {
      d += (i == 0 ? "M" : "L") + point(x_.place(x[i]), y_.place(y[i]));
    }
    return d;
  }

  void draw_band(const Line& line) {
    if (line.low_x.empty()) return;
    std::vector<double> x = line.low_x, y = line.low_y;
    x.insert(x.end(), line.high_x.rbegin(), line.high_x.rend());
    y.insert(y.end(), line.high_y.rbegin(), line.high_y.rend());
    for (double& v : x) v = std::clamp(v, x_.low, x_.high);
    for (double& v : y) v = std::clamp(v, y_.low, y_.high);
    out_ += fmt::format("<path class=\"band c{}\" d=\"{}Z\"/>", line.colour % 8, path(x, y));
  }

  void draw_line(const Line& line) {
    if (line.x.empty()) return;
    std::string xs, ys;
    for (const double v : line.x) xs += fmt::format("{:.5g} ", v);
    for (const double v : line.y) ys += fmt::format("{:.5g} ", v);
    out_ += fmt::format(
        "<path class=\"line c{} d{}\" d=\"{}\" data-label=\"{}\" data-x=\"{}\" data-y=\"{}\"/>",
        line.colour % 8, line.colour / 4 % 4, path(line.x, line.y), escape_html(line.label), xs,
        ys);
    if (!chart_.markers) return;
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      out_ += fmt::format("<circle class=\"dot c{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>",
                          line.colour % 8, x_.place(line.x[i]), y_.place(line.y[i]));
    }
  }

  // Each label beside its line's end, moved up or down where they would overlap.
  void draw_labels() {
    struct Label {
      const Line* line;
      double end_x, end_y, y;
    };
    std::vector<Label> labels;
    for (const Line& line : chart_.lines) {
      if (line.x.empty()) continue;
      const double y = y_.place(line.y.back());
      labels.push_back({&line, x_.place(line.x.back()), y, y});
    }
    std::stable_sort(labels.begin(), labels.end(),
                     [](const Label& a, const Label& b) { return a.end_y < b.end_y; });
    const double last = kHeight - kBottom - 2;
    for (std::size_t i = 1; i < labels.size(); ++i) {
      labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLabelHeight);
    }
    double below = last;
    for (std::size_t i = labels.size(); i-- > 0; below = labels[i].y - kLabelHeight) {
      labels[i].y = std::min(labels[i].y, below);
    }
    for (const Label& label : labels) {
      out_ += fmt::format(
          "<path class=\"lead c{} d{}\" d=\"M{}L{}L{}\"/>"
          "<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
          label.line->colour % 8, label.line->colour / 4 % 4, point(label.end_x, label.end_y),
          point(x_.to + 3, label.y), point(x_.to + 15, label.y), x_.to + 18, label.y + 4,
          escape_html(shortened(label.line->label)));
    }
  }

  static std::string shortened(const std::string& label) {
    const auto most = static_cast<std::size_t>((kLabelsMax - 22) / kLetter);
    return label.size() <= most ? label : label.substr(0, most - 1) + "…";
  }

  const Chart& chart_;
  Axis x_, y_;
  std::string out_;
};

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string draw(const Chart& chart) {
  return Drawing(chart).text();
}

std::string table_of(const Chart& chart, std::size_t rows) {
  std::vector<double> points;
  for (const Line& line : chart.lines) {
    const std::size_t step =
        std::max<std::size_t>(1, line.x.size() / std::max<std::size_t>(rows, 1));
    if (!points.empty() || line.x.empty()) continue;
    for (std::size_t i = 0; i < line.x.size(); i += step) points.push_back(line.x[i]);
    if (points.back() != line.x.back()) points.push_back(line.x.back());
  }
  std::string out = "<table class=\"values\"><caption>" + escape_html(chart.y_name) +
                    "</caption><thead><tr><th scope=\"col\">" + escape_html(chart.x_name) + "</th>";
  for (const Line& line : chart.lines)
    out += "<th scope=\"col\">" + escape_html(line.label) + "</th>";
  out += "</tr></thead><tbody>";
  for (const double x : points) {
    out += "<tr><th scope=\"row\">" + short_number(x) + "</th>";
    for (const Line& line : chart.lines) {
      std::optional<double> y;
      const auto after = std::lower_bound(line.x.begin(), line.x.end(), x);
      const auto i = static_cast<std::size_t>(after - line.x.begin());
      if (i < line.x.size() && line.x[i] == x) {
        y = line.y[i];
      } else if (i > 0 && i < line.x.size()) {
        y = line.y[i - 1] +
            (line.y[i] - line.y[i - 1]) * (x - line.x[i - 1]) / (line.x[i] - line.x[i - 1]);
      }
      out += "<td>" + (y ? short_number(*y) : std::string("–")) + "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table>";
}

}  // namespace keelson::lab
