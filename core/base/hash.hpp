// Hashes whose values are the same on every machine and in every run (std::hash promises neither).
#pragma once

#include <cstdint>
#include <string_view>

namespace keelson {

constexpr uint64_t hash_u64(uint64_t x) {  // murmur3's finaliser
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  x ^= x >> 33;
  return x;
}

constexpr uint64_t hash_combine(uint64_t a, uint64_t b) {
  return hash_u64(a * 0x9e3779b97f4a7c15 + b + 0x165667b19e3779f9);
}

// FNV-1a, 64 bits.
constexpr uint64_t hash_bytes(std::string_view bytes, uint64_t seed = 0xcbf29ce484222325) {
  for (const char c : bytes) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

// A running digest: everything that happens in a run is folded in, in order.
class Digest {
 public:
  void add(uint64_t value) { state_ = hash_combine(state_, value); }
  void add(std::string_view bytes) { add(hash_bytes(bytes)); }
  uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0;
};

}  // namespace keelson
