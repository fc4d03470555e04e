#include "sim/lab/generators/math.hpp"

#include <bit>
#include <cstdint>

#include "core/base/assert.hpp"

namespace keelson::lab {

namespace {

// ln 2 in two parts: the first has so few bits that multiples of it by an exponent are exact.
constexpr double kLn2High = 0x1.62e42fefp-1;
constexpr double kLn2Low = 0x1.473de6af278edp-34;

// 2^n by its representation. REQUIRES: a normal number.
double power_of_two(int n) {
  return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52);
}

}  // namespace

double exact_exp(double x) {
  if (x > 700) x = 700;
  if (x < -700) x = -700;
  // x = n ln 2 + r with |r| <= ln 2 / 2, then the series of e^r.
  const double scaled = x / (kLn2High + kLn2Low);
  const int n = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1, term = 1;
  for (int i = 1; i <= 16; ++i) {  // 0.35^17 / 17! is far below a rounding
    term = term * r / i;
    sum = sum + term;
  }
  return sum * power_of_two(n);
}

double exact_log(double x) {
  KEELSON_ASSERT(x > 0);
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int n = static_cast<int>(bits >> 52) - 1023;
  KEELSON_ASSERT(n > -1023 && n < 1024);
  double m = std::bit_cast<double>((bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1023} << 52));
  if (m > 1.4142135623730951) {
    m = m / 2;
    ++n;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)); the argument is below 0.172.
  const double t = (m - 1) / (m + 1);
  const double square = t * t;
  double sum = 0;
  for (int i = 23; i >= 1; i -= 2) sum = sum * square + 1.0 / i;
  return n * kLn2High + (2 * t * sum + n * kLn2Low);
}

}  // namespace keelson::lab
