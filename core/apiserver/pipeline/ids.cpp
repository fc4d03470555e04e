#include "core/apiserver/pipeline/ids.hpp"

namespace keelson::apiserver {

void Ids::restart(uint64_t salt) {
  const Rng start = seed_.fork(salt);
  uids_ = start.fork("uids");
  names_ = start.fork("names");
  addresses_ = start.fork("addresses");
}

std::string Ids::uid() {
  static constexpr char kHex[] = "0123456789abcdef";
  uint64_t high = uids_.next(), low = uids_.next();
  high = (high & ~uint64_t{0xf000}) | 0x4000;                // version 4
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // variant 10
  std::string text;
  text.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    const uint64_t half = i < 16 ? high : low;
    text += kHex[(half >> (60 - 4 * (i % 16))) & 15];
  }
  return text;
}

std::string Ids::name(std::string_view base) {
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kLength = 5, kNameMax = 63;
  std::string name(base.substr(0, kNameMax - kLength));
  for (std::size_t i = 0; i < kLength; ++i) name += kLetters[names_.below(kLetters.size())];
  return name;
}

}  // namespace keelson::apiserver
