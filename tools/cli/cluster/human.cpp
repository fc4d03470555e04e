#include "tools/cli/cluster/human.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "core/api/time_text.hpp"

namespace keelson::cli {

std::string human_duration(int64_t seconds) {
  // Clocks differ a little: a second in the future is now.
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return fmt::format("{}s", seconds);
  const int64_t minutes = seconds / 60;
  if (minutes < 10) {
    const int64_t rest = seconds % 60;
    return rest == 0 ? fmt::format("{}m", minutes) : fmt::format("{}m{}s", minutes, rest);
  }
  if (minutes < 180) return fmt::format("{}m", minutes);
  const int64_t hours = seconds / 3600;
  if (hours < 8) {
    const int64_t rest = minutes % 60;
    return rest == 0 ? fmt::format("{}h", hours) : fmt::format("{}h{}m", hours, rest);
  }
  if (hours < 48) return fmt::format("{}h", hours);
  if (hours < 24 * 8) {
    const int64_t rest = hours % 24;
    return rest == 0 ? fmt::format("{}d", hours / 24) : fmt::format("{}d{}h", hours / 24, rest);
  }
  if (hours < 24 * 365 * 2) return fmt::format("{}d", hours / 24);
  if (hours < 24 * 365 * 8) {
    const int64_t days = hours / 24 % 365;
    const int64_t years = hours / 24 / 365;
    return days == 0 ? fmt::format("{}y", years) : fmt::format("{}y{}d", years, days);
  }
  return fmt::format("{}y", hours / 24 / 365);
}

std::string age(std::string_view time, WallTime now) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  if (time.empty() || !api::parse_time(time, seconds, nanos)) return "<unknown>";
  // In seconds: nanoseconds do not reach the year 9999. Rounded towards zero.
  int64_t passed = now.unix_ns / 1'000'000'000 - seconds;
  const int64_t rest = now.unix_ns % 1'000'000'000 - nanos;
  if (passed > 0 && rest < 0) --passed;
  if (passed < 0 && rest > 0) ++passed;
  return human_duration(passed);
}

std::string long_time(std::string_view rfc3339) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  if (!api::parse_time(rfc3339, seconds, nanos)) return {};
  using namespace std::chrono;
  const sys_seconds at{std::chrono::seconds(seconds)};
  const sys_days day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[weekday(day).c_encoding()],
                     unsigned(date.day()), kMonths[unsigned(date.month()) - 1], int(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<Duration> parse_duration(std::string_view text) {
  struct UnitName {
    std::string_view name;
    double ns;
  };
  constexpr UnitName kUnits[] = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                 {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  double total_ns = 0;
  while (!text.empty()) {
    double value = 0;
    const auto end =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (end.ec != std::errc{} || value < 0) return std::nullopt;
    text.remove_prefix(std::size_t(end.ptr - text.data()));
    std::size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    double unit_ns = 0;
    if (letters == 0 && text.empty() && total_ns == 0) unit_ns = 1e9;  // a bare number
    for (const UnitName& unit : kUnits) {
      if (text.substr(0, letters) == unit.name) unit_ns = unit.ns;
    }
    if (unit_ns == 0) return std::nullopt;
    text.remove_prefix(letters);
    total_ns += value * unit_ns;
  }
  constexpr double kLongest = std::chrono::duration<double, std::nano>(kLongestDuration).count();
  if (!(total_ns <= kLongest)) return std::nullopt;  // nor what is no number
  const auto ns = static_cast<int64_t>(total_ns);
  return Duration(negative ? -ns : ns);
}

std::optional<Duration> parse_lifetime(std::string_view text) {
  const auto parsed = parse_duration(text);
  if (!parsed) return std::nullopt;
  if (text == "0" || text == "0s") return Duration::zero();
  return *parsed < std::chrono::seconds(1) ? std::nullopt : parsed;
}

}  // namespace keelson::cli
