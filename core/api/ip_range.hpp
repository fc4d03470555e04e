// IP addresses and ranges of them as numbers: what "10.0.0.0/8" covers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keelson::api {

using IpBytes = std::array<uint8_t, 16>;  // IPv4 in the last four
// 4 or 6, the version of IP that the text is an address of; 0: it is none.
int parse_ip(std::string_view text, IpBytes& out);
std::string ip_text(const IpBytes& address, bool ipv6);  // canonical

struct IpRange {
  IpBytes address{};  // host bits are zero
  uint8_t bits = 0;                   // fixed ones, of `width()`
  bool ipv6 = false;

  // "10.1.0.0/16", "fd00::/8", or an address alone, which is a range of one. Host bits are cleared.
  // Nothing if the text is none of these.
  static std::optional<IpRange> parse(std::string_view text);

  int width() const { return ipv6 ? 128 : 32; }
  // Of the same family, and all of `other` lies in here.
  bool contains(const IpRange& other) const;
  std::string to_string() const;  // canonical, always with the number of bits
  friend auto operator<=>(const IpRange&, const IpRange&) = default;
};

}  // namespace keelson::api
