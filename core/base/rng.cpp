#include "core/base/rng.hpp"

#include <bit>

#include "core/base/assert.hpp"
#include "core/base/hash.hpp"

namespace keelson {
namespace {

uint64_t splitmix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// -log2(u / 2^64) in 32.32 fixed point for u >= 1: the integer part by counting zeros, the fraction
// by squaring the mantissa bit by bit.
uint64_t minus_log2(uint64_t u) {
  const int zeros = std::countl_zero(u);
  uint64_t mantissa = (u << zeros) >> 1;  // [2^62, 2^63), standing for [1, 2)
  uint64_t fraction = 0;
  for (int bit = 0; bit < 32; ++bit) {
    const unsigned __int128 square = static_cast<unsigned __int128>(mantissa) * mantissa;
    mantissa = static_cast<uint64_t>(square >> 62);
    fraction <<= 1;
    if (mantissa >= (uint64_t{1} << 63)) {
      fraction |= 1;
      mantissa >>= 1;
    }
  }
  return (static_cast<uint64_t>(zeros + 1) << 32) - fraction;
}

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  uint64_t mix = seed;
  for (uint64_t& word : state_) word = splitmix64(mix);
}

Rng Rng::fork(std::string_view name) const { return Rng(hash_combine(seed_, hash_bytes(name))); }
Rng Rng::fork(uint64_t number) const { return Rng(hash_combine(seed_, hash_u64(number))); }

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t bound) {
  KEELSON_ASSERT(bound > 0);
  // Lemire's method: unbiased, and nearly always without a division.
  unsigned __int128 product = static_cast<unsigned __int128>(next()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = -bound % bound;
    while (static_cast<uint64_t>(product) < threshold) {
      product = static_cast<unsigned __int128>(next()) * bound;
    }
  }
  return static_cast<uint64_t>(product >> 64);
}

int64_t Rng::between(int64_t low, int64_t high) {
  KEELSON_ASSERT(low <= high);
  const uint64_t width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const uint64_t offset = width == UINT64_MAX ? next() : below(width + 1);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
}

Duration Rng::exponential(Duration mean) {
  KEELSON_ASSERT(mean.count() >= 0);
  uint64_t u = next();
  if (u == 0) u = 1;
  // mean * ln(2) * -log2(u): ln(2) in 0.32 fixed point.
  constexpr uint64_t ln2 = 2977044472;
  const unsigned __int128 scaled = static_cast<unsigned __int128>(minus_log2(u)) * ln2;  // 32.64
  const uint64_t factor = static_cast<uint64_t>(scaled >> 40);                           // .24
  return Duration{static_cast<int64_t>(
      (static_cast<unsigned __int128>(factor) * static_cast<uint64_t>(mean.count())) >> 24)};
}

}  // namespace keelson
