#include "core/api/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace keelson::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 11> words_true = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                         "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> words_false = {
    "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> words_null = {"", "~", "null", "Null", "NULL"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view text) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool scalar_digit(char c) { return c >= '0' && c <= '9'; }

// Digits of 0x, 0o, 0b or with a leading zero, as Go's ParseInt(text, 0, 64) takes them.
std::optional<json::value> integer(std::string_view text) {
  const bool negative = text.front() == '-';
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = text[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    const bool letter = mark == 'x' || mark == 'X' || mark == 'b' || mark == 'B' || mark == 'o' ||
                        mark == 'O';
    text.remove_prefix(letter ? 2 : 1);
  }
  if (text.empty()) return std::nullopt;
  uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  constexpr uint64_t limit = 1ULL << 63;
  if (negative) {
    if (magnitude > limit) return std::nullopt;
    return json::value(static_cast<int64_t>(~magnitude + 1));
  }
  if (magnitude < limit) return json::value(static_cast<int64_t>(magnitude));
  return json::value(magnitude);
}

// "3.0" and "1e3" are floats of YAML, but JSON has one kind of number, and what is whole is written
// without a point there: it may stand where an integer is wanted.
json::value json_number(double value) {
  constexpr double whole_max = 9'007'199'254'740'992.0;  // 2^53: beyond, doubles skip integers
  if (std::fabs(value) <= whole_max && value == std::trunc(value)) {
    return json::value(static_cast<int64_t>(value));
  }
  return json::value(value);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && scalar_digit(text[at])) ++at;
    return at - from;
  };
  if (text[at] == '-' || text[at] == '+') ++at;
  const std::size_t whole = digits();
  std::size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    fraction = digits();
  }
  if (whole == 0 && fraction == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

}  // namespace

boost::json::value resolve_yaml_scalar(std::string_view text) {
  if (contains(words_null, text)) return nullptr;
  if (contains(words_true, text)) return true;
  if (contains(words_false, text)) return false;
  const json::string_view as_string(text.data(), text.size());
  const char first = text.front();
  if (first != '-' && first != '+' && first != '.' && !scalar_digit(first)) {
    return json::value(as_string);
  }
  std::string plain(text);
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  if (plain.empty()) return json::value(as_string);
  if (first != '.') {
    if (std::optional<json::value> number = integer(plain)) return *std::move(number);
  }
  if (looks_like_float(plain)) {
    std::string_view digits(plain);
    if (digits.front() == '+') digits.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc{} && std::isfinite(value)) return json_number(value);
  }
  return json::value(as_string);
}

}  // namespace keelson::api
