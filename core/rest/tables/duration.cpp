#include "core/rest/tables/duration.hpp"

#include <limits>

namespace keelson::rest {
namespace {

std::string count(int64_t value, char unit) { return std::to_string(value) + unit; }

// The smaller unit only where it says something.
std::string counts(int64_t value, char unit, int64_t rest, char smaller) {
  return rest == 0 ? count(value, unit) : count(value, unit) + count(rest, smaller);
}

}  // namespace

std::string human_duration(Duration elapsed) {
  // Truncation is towards zero, so that anything above minus two seconds is -1 or 0.
  const int64_t seconds = elapsed.count() / 1'000'000'000;
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return count(seconds, 's');
  const int64_t minutes = seconds / 60;
  if (minutes < 10) return counts(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return count(minutes, 'm');
  const int64_t hours = minutes / 60;
  if (hours < 8) return counts(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return count(hours, 'h');
  const int64_t days = hours / 24;
  if (days < 8) return counts(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return count(days, 'd');
  const int64_t years = days / 365;
  if (years < 8) return counts(years, 'y', days % 365, 'd');
  return count(years, 'y');
}

Duration elapsed_between(WallTime then, WallTime now) {
  int64_t ns = 0;
  if (__builtin_sub_overflow(now.unix_ns, then.unix_ns, &ns)) {
    using Limits = std::numeric_limits<int64_t>;
    ns = now.unix_ns > then.unix_ns ? Limits::max() : Limits::min();
  }
  return Duration(ns);
}

}  // namespace keelson::rest
