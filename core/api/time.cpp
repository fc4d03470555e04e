// Times as Kubernetes writes them: RFC 3339 in UTC.
#include "core/api/time_text.hpp"

#include <algorithm>
#include <array>

#include "core/api/json.hpp"

namespace keelson::api {
namespace {

constexpr int64_t ns_per_second = 1'000'000'000;
constexpr int64_t seconds_per_day = 86'400;

int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

// Days since 1970-01-01 to and from the proleptic Gregorian calendar. Source: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms".
struct Date {
  int64_t year;
  unsigned month, day;
};

Date date_of(int64_t days) {
  days += 719'468;
  const int64_t era = floor_div(days, 146'097);
  const auto doe = static_cast<unsigned>(days - era * 146'097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  const unsigned month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<int64_t>(yoe) + era * 400 + (month <= 2 ? 1 : 0), month,
          doy - (153 * mp + 2) / 5 + 1};
}

int64_t days_of(Date date) {
  const int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = floor_div(year, 400);
  const auto yoe = static_cast<unsigned>(year - era * 400);
  const unsigned doy = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 +
                       date.day - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146'097 + static_cast<int64_t>(doe) - 719'468;
}

unsigned days_in(int64_t year, unsigned month) {
  constexpr std::array<unsigned, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

void put(std::string& out, uint64_t value, int width) {
  std::array<char, 20> digits{};
  for (int i = width - 1; i >= 0; --i, value /= 10) {
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  }
  out.append(digits.data(), static_cast<std::size_t>(width));
}

// Reads a fixed number of digits off the front.
bool take(std::string_view& text, int width, unsigned& value) {
  if (text.size() < static_cast<std::size_t>(width)) return false;
  value = 0;
  for (int i = 0; i < width; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  text.remove_prefix(static_cast<std::size_t>(width));
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string format_seconds(int64_t seconds, int32_t nanos, bool micro) {
  // Four digits of a year are all that RFC 3339 has: what lies outside is cut to its ends.
  seconds = std::clamp<int64_t>(seconds, -62'167'219'200, 253'402'300'799);
  const int64_t days = floor_div(seconds, seconds_per_day);
  const auto second = static_cast<uint64_t>(seconds - days * seconds_per_day);
  const Date date = date_of(days);
  std::string out;
  out.reserve(27);
  put(out, static_cast<uint64_t>(date.year), 4);
  out += '-';
  put(out, date.month, 2);
  out += '-';
  put(out, date.day, 2);
  out += 'T';
  put(out, second / 3600, 2);
  out += ':';
  put(out, second / 60 % 60, 2);
  out += ':';
  put(out, second % 60, 2);
  if (micro) {
    out += '.';
    put(out, static_cast<uint64_t>(std::clamp(nanos, 0, 999'999'999)) / 1000, 6);
  }
  out += 'Z';
  return out;
}

bool parse_time(std::string_view text, int64_t& seconds, int32_t& nanos) {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take(text, 4, year) || !take(text, '-') || !take(text, 2, month) || !take(text, '-') ||
      !take(text, 2, day) || !take(text, 'T') || !take(text, 2, hour) || !take(text, ':') ||
      !take(text, 2, minute) || !take(text, ':') || !take(text, 2, second)) {
    return false;
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
      minute > 59 || second > 59) {
    return false;
  }
  nanos = 0;
  if (take(text, '.')) {
    int digits = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      if (digits < 9) nanos = nanos * 10 + (text.front() - '0');
      ++digits;
      text.remove_prefix(1);
    }
    if (digits == 0) return false;
    for (; digits < 9; ++digits) nanos *= 10;
  }
  int64_t offset = 0;
  if (!take(text, 'Z')) {
    const bool west = !text.empty() && text.front() == '-';
    unsigned hours = 0, minutes = 0;
    if ((!west && !take(text, '+')) || (west && !take(text, '-')) || !take(text, 2, hours) ||
        !take(text, ':') || !take(text, 2, minutes) || hours > 23 || minutes > 59) {
      return false;
    }
    offset = (static_cast<int64_t>(hours) * 3600 + minutes * 60) * (west ? -1 : 1);
  }
  if (!text.empty()) return false;
  seconds = days_of({year, month, day}) * seconds_per_day + hour * 3600 + minute * 60 + second -
            offset;
  return true;
}

std::string format_time(WallTime time) {
  return format_seconds(floor_div(time.unix_ns, ns_per_second), 0, false);
}

std::string format_micro_time(WallTime time) {
  const int64_t seconds = floor_div(time.unix_ns, ns_per_second);
  return format_seconds(seconds, static_cast<int32_t>(time.unix_ns - seconds * ns_per_second),
                        true);
}

Time to_time(WallTime time) {
  Time out;
  out.set_seconds(floor_div(time.unix_ns, ns_per_second));
  return out;
}

MicroTime to_micro_time(WallTime time) {
  MicroTime out;
  const int64_t seconds = floor_div(time.unix_ns, ns_per_second);
  out.set_seconds(seconds);
  // Microseconds are what JSON carries: finer digits would not survive a round trip.
  out.set_nanos(static_cast<int32_t>((time.unix_ns - seconds * ns_per_second) / 1000 * 1000));
  return out;
}

WallTime to_wall(const Time& time) {
  // Years beyond 2262 do not fit into nanoseconds of 64 bits.
  const int64_t limit = INT64_MAX / ns_per_second - 4;  // room for the nanos
  return {std::clamp(time.seconds(), -limit, limit) * ns_per_second + time.nanos()};
}

}  // namespace keelson::api
