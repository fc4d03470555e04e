#include "runtime/cri/utf8.hpp"

#include <cstdint>

namespace keelson::cri {

std::string to_utf8(std::string text) {
  std::string out;
  out.reserve(text.size());
  const auto byte = [&](std::size_t i) { return static_cast<uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const uint8_t lead = byte(i);
    const std::size_t length = lead < 0x80         ? 1
                               : lead >> 5 == 0x06 ? 2
                               : lead >> 4 == 0x0e ? 3
                               : lead >> 3 == 0x1e ? 4
                                                   : 0;
    uint32_t point = length < 2 ? lead : lead & (0x7f >> length);
    bool good = length != 0 && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      good = byte(i + k) >> 6 == 0x02;
      point = point << 6 | (byte(i + k) & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    good =
        good && point >= kLeast[length] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    if (good) {
      out.append(text, i, length);
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  return out;
}

}  // namespace keelson::cri
