#include "core/api/quantity.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace keelson::api {
namespace {

using Wide = __int128;
using Format = QuantityValue::Format;

constexpr int64_t nanos_per_unit = 1'000'000'000;
constexpr int64_t nanos_per_milli = 1'000'000;
// Far above any amount that counts and far enough below the end of 128 bits to add two of them.
constexpr Wide nanos_max = static_cast<Wide>(10'000'000'000'000'000'000ULL) *
                           static_cast<Wide>(1'000'000'000'000'000'000LL);  // 10^37
// Binary quantities are capped where Kubernetes caps them.
constexpr Wide binary_max = static_cast<Wide>(INT64_MAX) * nanos_per_unit;
constexpr int64_t digits_max = 18;  // what Kubernetes' fast path takes; see canonical_quantity()

constexpr std::string_view wrong_format =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view wrong_suffix = "unable to parse quantity's suffix";

struct Suffix {
  std::string_view text;
  int exponent;
};
constexpr std::array<Suffix, 10> decimal_suffixes = {{{"n", -9},
                                                      {"u", -6},
                                                      {"m", -3},
                                                      {"", 0},
                                                      {"k", 3},
                                                      {"M", 6},
                                                      {"G", 9},
                                                      {"T", 12},
                                                      {"P", 15},
                                                      {"E", 18}}};
constexpr std::array<Suffix, 6> binary_suffixes = {
    {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A quantity's text, taken apart.
struct Parts {
  bool negative = false;
  std::string_view whole;     // digits before the point, without leading zeros
  std::string_view fraction;  // digits after it
  Format format = Format::decimal_si;
  int64_t exponent = 0;  // of 10, or of 2 for binary_si
};

bool interpret_suffix(std::string_view text, Parts& parts) {
  for (const Suffix& s : decimal_suffixes) {
    if (s.text == text) {
      parts.exponent = s.exponent;
      return true;
    }
  }
  for (const Suffix& s : binary_suffixes) {
    if (s.text == text) {
      parts.format = Format::binary_si;
      parts.exponent = s.exponent;
      return true;
    }
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return false;
  text.remove_prefix(1);
  const bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  if (text.empty()) return false;
  int64_t exponent = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    // Beyond this every amount is either at the cap or a single nano.
    exponent = std::min<int64_t>(exponent * 10 + (c - '0'), 1000);
  }
  parts.format = Format::decimal_exponent;
  parts.exponent = negative ? -exponent : exponent;
  return true;
}

// Null: taken apart; else what is wrong.
std::string_view take_apart(std::string_view text, Parts& parts) {
  if (text.empty()) return wrong_format;
  if (text[0] == '-' || text[0] == '+') {
    parts.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::size_t at = 0;
  while (at < text.size() && text[at] == '0') ++at;
  const std::size_t whole = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  parts.whole = text.substr(whole, at - whole);
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    parts.fraction = text.substr(fraction, at - fraction);
  }
  const std::string_view suffix = text.substr(at);
  std::size_t end = suffix.find_first_not_of("eEinumkKMGTP");
  if (end != std::string_view::npos) {
    if (suffix[end] == '-' || suffix[end] == '+') ++end;
    if (suffix.find_first_not_of("0123456789", end) != std::string_view::npos) return wrong_format;
  }
  return interpret_suffix(suffix, parts) ? std::string_view{} : wrong_suffix;
}

Wide times(Wide a, Wide b) {  // both not negative; stays at the cap
  if (a != 0 && b > nanos_max / a) return nanos_max;
  return a * b;
}

Wide power_of_ten(int64_t exponent) {
  Wide power = 1;
  for (int64_t i = 0; i < exponent && power < nanos_max; ++i) power *= 10;
  return power;
}

// The digits as a number; those beyond 37 places only say whether anything is there.
struct Mantissa {
  Wide value = 0;
  int64_t dropped = 0;  // places that did not fit
  bool more = false;    // and were not all zero
};

void append_digits(std::string_view digits, Mantissa& m) {
  for (const char c : digits) {
    if (m.dropped > 0 || m.value >= nanos_max / 10) {
      ++m.dropped;
      m.more = m.more || c != '0';
    } else {
      m.value = m.value * 10 + (c - '0');
    }
  }
}

Wide decimal_nanos(const Parts& parts) {
  Mantissa m;
  append_digits(parts.whole, m);
  append_digits(parts.fraction, m);
  if (m.value == 0) return 0;
  const int64_t exponent =
      parts.exponent + 9 + m.dropped - static_cast<int64_t>(parts.fraction.size());
  if (exponent >= 0) return times(m.value, power_of_ten(exponent));
  const Wide divisor = power_of_ten(-exponent);
  const Wide quotient = m.value / divisor;
  return quotient + (m.value % divisor != 0 || m.more ? 1 : 0);
}

Wide binary_nanos(const Parts& parts) {
  Mantissa whole;
  append_digits(parts.whole, whole);
  const Wide factor = static_cast<Wide>(1) << parts.exponent;
  if (whole.dropped > 0) return binary_max;
  Wide nanos = times(times(whole.value, factor), nanos_per_unit);
  // Eighteen places of the fraction keep the product below within 128 bits.
  const std::string_view kept = parts.fraction.substr(0, digits_max);
  Mantissa fraction;
  append_digits(kept, fraction);
  const Wide scale = power_of_ten(static_cast<int64_t>(kept.size()));
  const Wide product = fraction.value * factor;
  const Wide rest = product % scale * nanos_per_unit;
  nanos += product / scale * nanos_per_unit + rest / scale;
  const bool more = parts.fraction.size() > kept.size() &&
                    parts.fraction.find_first_not_of('0', kept.size()) != std::string_view::npos;
  if (rest % scale != 0 || more) nanos += 1;
  return std::min(nanos, binary_max);
}

Wide clamp_nanos(Wide nanos) { return std::clamp(nanos, -nanos_max, nanos_max); }

std::string decimal_text(Wide value) {  // not negative
  std::array<char, 40> buffer{};
  std::size_t at = buffer.size();
  do {
    buffer[--at] = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  return {buffer.data() + at, buffer.size() - at};
}

int64_t rounded_away(Wide nanos, int64_t unit) {
  Wide q = nanos / unit;
  if (nanos % unit != 0) q += nanos < 0 ? -1 : 1;
  if (q > INT64_MAX) return INT64_MAX;
  if (q < INT64_MIN) return INT64_MIN;
  return static_cast<int64_t>(q);
}

std::string decimal_form(Wide magnitude, Format format) {
  int exponent = -9;
  while (magnitude % 10 == 0) {
    magnitude /= 10;
    ++exponent;
  }
  while (exponent % 3 != 0) {
    magnitude *= 10;
    --exponent;
  }
  std::string text = decimal_text(magnitude);
  if (format != Format::decimal_exponent) {
    for (const Suffix& s : decimal_suffixes) {
      if (s.exponent == exponent) return text.append(s.text);
    }
  }
  return exponent == 0 ? text : text + "e" + std::to_string(exponent);
}

std::string binary_form(Wide units) {
  std::string_view suffix;
  for (const Suffix& s : binary_suffixes) {
    if (units % 1024 != 0) break;
    units /= 1024;
    suffix = s.text;
  }
  return decimal_text(units).append(suffix);
}

// Whether Kubernetes keeps the text as it stands ("if the number is in canonical form, reuse the
// string", ParseQuantity in quantity.go).
bool reuses_text(const Parts& parts) {
  const auto digits = static_cast<int64_t>(std::max<std::size_t>(parts.whole.size(), 1) +
                                           parts.fraction.size());
  if (parts.format == Format::binary_si) {
    if (!parts.fraction.empty()) return false;
    if (15 - digits - parts.exponent * 3 / 10 - 1 < 0 || parts.whole.empty()) return false;
    int64_t value = 0;
    for (const char c : parts.whole) value = value * 10 + (c - '0');
    return (value & 7) != 0;
  }
  const int64_t scale = parts.exponent - static_cast<int64_t>(parts.fraction.size());
  if (digits > digits_max || scale < -9 || scale % 3 != 0 || parts.whole.empty()) return false;
  int zeros = 0;
  for (auto c = parts.fraction.rbegin(); c != parts.fraction.rend() && *c == '0'; ++c) ++zeros;
  if (zeros == static_cast<int>(parts.fraction.size())) {
    for (auto c = parts.whole.rbegin(); c != parts.whole.rend() && *c == '0'; ++c) ++zeros;
  }
  return zeros < 3;
}

// The amounts that fill a cluster ("4", "250m", "16Gi") without taking the general road.
std::optional<Wide> simple_nanos(std::string_view text) {
  int64_t value = 0;
  std::size_t at = 0;
  while (at < text.size() && at < 9 && is_digit(text[at])) value = value * 10 + (text[at++] - '0');
  if (at == 0) return std::nullopt;
  const std::string_view suffix = text.substr(at);
  if (suffix.empty()) return static_cast<Wide>(value) * nanos_per_unit;
  if (suffix == "m") return static_cast<Wide>(value) * nanos_per_milli;
  if (suffix == "Gi") return (static_cast<Wide>(value) << 30) * nanos_per_unit;
  if (suffix == "Mi") return (static_cast<Wide>(value) << 20) * nanos_per_unit;
  return std::nullopt;
}

int64_t amount_of(const Quantity& quantity, int64_t unit) {
  if (const std::optional<Wide> nanos = simple_nanos(quantity.string())) {
    return rounded_away(*nanos, unit);
  }
  const keelson::Result<QuantityValue> parsed = QuantityValue::parse(quantity.string());
  if (!parsed) return 0;
  return unit == nanos_per_unit ? parsed->value() : parsed->milli_value();
}

}  // namespace

keelson::Result<QuantityValue> QuantityValue::parse(std::string_view text) {
  Parts parts;
  if (const std::string_view wrong = take_apart(text, parts); !wrong.empty()) {
    return {Code::invalid, std::string(wrong)};
  }
  QuantityValue value;
  value.format_ = parts.format;
  value.nanos_ = parts.format == Format::binary_si ? binary_nanos(parts) : decimal_nanos(parts);
  // Below one, binary prefixes only confuse.
  if (parts.format == Format::binary_si && value.nanos_ < nanos_per_unit) {
    value.format_ = Format::decimal_si;
  }
  value.nanos_ = clamp_nanos(value.nanos_);
  if (parts.negative) value.nanos_ = -value.nanos_;
  return value;
}

QuantityValue QuantityValue::of(int64_t value, Format format) {
  QuantityValue out;
  out.nanos_ = static_cast<Wide>(value) * nanos_per_unit;
  out.format_ = format;
  return out;
}

QuantityValue QuantityValue::milli(int64_t value) {
  QuantityValue out;
  out.nanos_ = static_cast<Wide>(value) * nanos_per_milli;
  return out;
}

int64_t QuantityValue::value() const { return rounded_away(nanos_, nanos_per_unit); }
int64_t QuantityValue::milli_value() const { return rounded_away(nanos_, nanos_per_milli); }

std::string QuantityValue::to_string() const {
  if (nanos_ == 0) return "0";
  const Wide magnitude = nanos_ < 0 ? -nanos_ : nanos_;
  const std::string sign = nanos_ < 0 ? "-" : "";
  // A binary amount that is small or not whole is written in decimals, so that nothing is lost.
  if (format_ == Format::binary_si && magnitude >= static_cast<Wide>(1024) * nanos_per_unit &&
      magnitude % nanos_per_unit == 0) {
    return sign + binary_form(magnitude / nanos_per_unit);
  }
  return sign + decimal_form(magnitude, format_);
}

QuantityValue QuantityValue::operator+(const QuantityValue& other) const {
  QuantityValue out = *this;
  if (zero()) out.format_ = other.format_;
  out.nanos_ = clamp_nanos(nanos_ + other.nanos_);
  return out;
}

QuantityValue QuantityValue::operator-(const QuantityValue& other) const {
  QuantityValue out = *this;
  if (zero()) out.format_ = other.format_;
  out.nanos_ = clamp_nanos(nanos_ - other.nanos_);
  return out;
}

QuantityValue QuantityValue::in_whole_millis() const {
  QuantityValue out = *this;
  const Wide rest = nanos_ % nanos_per_milli;
  if (rest != 0) out.nanos_ += (nanos_ < 0 ? -nanos_per_milli : nanos_per_milli) - rest;
  return out;
}

keelson::Result<std::string> canonical_quantity(std::string_view text) {
  Parts parts;
  if (const std::string_view wrong = take_apart(text, parts); !wrong.empty()) {
    return {Code::invalid, std::string(wrong)};
  }
  if (text == "0" || reuses_text(parts)) return std::string(text);
  std::string canonical = QuantityValue::parse(text)->to_string();
  // Binary amounts that no prefix divides come out as plain digits, which read as decimal ones have
  // another form ("2972312.5Ki", "3043648000", "3043648k"). What is stored must be the last.
  return is_digit(canonical.back()) ? QuantityValue::parse(canonical)->to_string() : canonical;
}

int64_t value_of(const Quantity& quantity) { return amount_of(quantity, nanos_per_unit); }
int64_t milli_value_of(const Quantity& quantity) { return amount_of(quantity, nanos_per_milli); }

void round_up_to_milli(Quantity& quantity) {
  // Nothing without one of these is finer than a milli-unit, and hardly any quantity has one.
  if (quantity.string().find_first_of("nu.eE") == std::string::npos) return;
  const keelson::Result<QuantityValue> parsed = QuantityValue::parse(quantity.string());
  if (!parsed) return;
  const QuantityValue rounded = parsed->in_whole_millis();
  if (rounded != *parsed) quantity.set_string(rounded.to_string());
}

}  // namespace keelson::api
