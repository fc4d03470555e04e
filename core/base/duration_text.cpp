#include "core/base/duration_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace keelson {

namespace {

struct NamedUnit {
  std::string_view name;
  int64_t ns;
};
// Longest names first where one begins with another.
constexpr NamedUnit kUnits[] = {{"ns", 1},
                            {"us", 1'000},
                            {"ms", 1'000'000},
                            {"s", 1'000'000'000},
                            {"m", 60'000'000'000},
                            {"h", 3'600'000'000'000},
                            {"d", 86'400'000'000'000}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return Error{Code::invalid, "\"" + std::string(text) +
                                    "\" is no duration; write one like 250ms, 10s, 1m30s or 2h"};
  };
  std::string_view rest = text;
  if (rest.empty()) return bad();
  if (rest == "0") return Duration::zero();
  __int128 total = 0;
  while (!rest.empty()) {
    std::size_t digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || digits > 12) return bad();
    int64_t whole = 0;
    std::from_chars(rest.data(), rest.data() + digits, whole);
    rest.remove_prefix(digits);
    int64_t fraction = 0, scale = 1;
    if (rest.front() == '.') {
      rest.remove_prefix(1);
      digits = rest.find_first_not_of("0123456789");
      if (digits == 0 || digits == std::string_view::npos || digits > 9) return bad();
      std::from_chars(rest.data(), rest.data() + digits, fraction);
      for (std::size_t i = 0; i < digits; ++i) scale *= 10;
      rest.remove_prefix(digits);
    }
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    int64_t unit = 0;
    for (const NamedUnit& candidate : kUnits) {
      if (candidate.name == name) unit = candidate.ns;
    }
    if (unit == 0) return bad();
    total += static_cast<__int128>(whole) * unit + static_cast<__int128>(fraction) * unit / scale;
  }
  if (total > INT64_MAX / 4) return bad();
  return Duration{static_cast<int64_t>(total)};
}

std::string format_duration(Duration duration) {
  int64_t ns = duration.count();
  if (ns == 0) return "0s";
  std::string text = ns < 0 ? "-" : "";
  if (ns < 0) ns = -ns;
  if (ns < 1'000'000'000) {
    const bool whole_ms = ns % 1'000'000 == 0;
    return text + (whole_ms ? std::to_string(ns / 1'000'000) + "ms" : std::to_string(ns / 1'000) + "us");
  }
  const int64_t hours = ns / 3'600'000'000'000;
  const int64_t minutes = ns / 60'000'000'000 % 60;
  const int64_t ms = ns / 1'000'000 % 60'000;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (minutes > 0) text += std::to_string(minutes) + "m";
  if (ms == 0) return text;
  text += std::to_string(ms / 1000);
  if (ms % 1000 != 0) {
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    text += "." + fraction;
  }
  return text + "s";
}

}  // namespace keelson
