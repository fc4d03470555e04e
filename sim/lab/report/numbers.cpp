#include "sim/lab/report/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace keelson::lab {

namespace {

constexpr int kDecimalsMax = 6;

// Digits after the point that show `significant` digits of a size.
int decimals_for(double size, int significant) {
  int decimals = significant - 1;
  for (double s = size; s >= 10 && decimals > 0; s /= 10) --decimals;
  for (double s = size; s < 1 && s > 0 && decimals < kDecimalsMax; s *= 10) ++decimals;
  return decimals;
}

}  // namespace

std::string rounded(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text[0] == '-' && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

std::string with_sign(double value, int decimals) {
  const std::string text = rounded(value, decimals);
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return value > 0 && !zero ? "+" + text : text;
}

std::string short_number(double value) {
  std::string text = rounded(value, decimals_for(std::fabs(value), 4));
  const auto point = text.find('.');
  if (point != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  const auto digits = static_cast<std::ptrdiff_t>(std::min(point, text.size()));
  for (std::ptrdiff_t at = digits - 3; at > (text[0] == '-' ? 1 : 0); at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string p_text(double p) {
  return p < 0.001 ? "p < 0.001" : fmt::format("p = {:.3f}", p);
}

int decimals_of(const MetricTable& table) {
  double margin = std::numeric_limits<double>::infinity(), value = 0;
  bool whole = true;
  for (const Cell& cell : table.cells) {
    if (cell.spread.n == 0) continue;
    value = std::max(value, std::fabs(cell.spread.mean));
    whole = whole && cell.spread.mean == std::floor(cell.spread.mean);
    if (cell.spread.margin && *cell.spread.margin > 0)
      margin = std::min(margin, *cell.spread.margin);
  }
  if (std::isfinite(margin)) return std::min(decimals_for(margin, 2), decimals_for(value, 5));
  return whole ? 0 : decimals_for(value, 4);
}

Ticks round_ticks(double low, double high, int wanted) {
  Ticks ticks;
  if (!(high > low) || !std::isfinite(high - low) || wanted < 1) return ticks;
  const double rough = (high - low) / wanted;
  double power = 1;
  while (power > rough && ticks.decimals < 300) power /= 10, ++ticks.decimals;
  while (power * 10 <= rough) power *= 10;
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0}) {
    if (step < rough) step = power * factor;
  }
  if (step >= power * 10 && ticks.decimals > 0) --ticks.decimals;
  // Counted, not added up: many small steps would drift.
  const double first = std::ceil(low / step - 1e-9);
  if (std::fabs(first) > 1e12)
    return ticks;  // a narrow range far from zero: no round numbers tell it apart
  for (double n = first; n * step <= high + step * 1e-9; ++n) ticks.at.push_back(n * step);
  return ticks;
}

}  // namespace keelson::lab
