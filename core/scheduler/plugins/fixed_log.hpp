// Natural logarithms in integers: libm differs between machines in the last digit.
#pragma once

#include <bit>
#include <cstdint>

#include "core/base/assert.hpp"

namespace keelson::scheduler {

inline constexpr int kLogFraction = 32;  // fractional bits

// ln(n), rounded down to kLogFraction bits. REQUIRES: 1 <= n < 2^32.
inline int64_t fixed_ln(uint64_t n) {
  KEELSON_ASSERT(n >= 1 && n < uint64_t{1} << 32);
  const int whole = std::bit_width(n) - 1;
  uint64_t mantissa = n << (63 - whole);  // in [1, 2) with 63 fractional bits
  // log2 bit by bit: squaring doubles the logarithm.
  constexpr int kBits = 40;
  auto log2 = static_cast<uint64_t>(whole);
  for (int i = 0; i < kBits; ++i) {
    const unsigned __int128 square = static_cast<unsigned __int128>(mantissa) * mantissa;
    log2 <<= 1;
    if ((square >> 127) != 0) {
      log2 |= 1;
      mantissa = static_cast<uint64_t>(square >> 64);
    } else {
      mantissa = static_cast<uint64_t>(square >> 63);
    }
  }
  constexpr uint64_t kLn2 = 0xB17217F7D1CF79AB;  // ln(2) * 2^64
  const unsigned __int128 product = static_cast<unsigned __int128>(log2) * kLn2;
  return static_cast<int64_t>(product >> (64 + kBits - kLogFraction));
}

}  // namespace keelson::scheduler
