// IP addresses and ranges as text. Source: RFC 791, RFC 4291 section 2.2, RFC 5952; leading zeros in
// IPv4 octets are refused, because some read them as octal.
#include "core/api/ip_range.hpp"

#include <algorithm>
#include <cstdio>

namespace keelson::api {
namespace {

bool parse_v4(std::string_view text, uint8_t* out) {
  for (int i = 0; i < 4; ++i) {
    size_t length = 0;
    int value = 0;
    while (length < text.size() && length < 4 && text[length] >= '0' && text[length] <= '9') {
      value = value * 10 + (text[length++] - '0');
    }
    if (length == 0 || length > 3 || value > 255 || (length > 1 && text[0] == '0')) return false;
    out[i] = static_cast<uint8_t>(value);
    text.remove_prefix(length);
    if (i == 3) return text.empty();
    if (text.empty() || text[0] != '.') return false;
    text.remove_prefix(1);
  }
  return false;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Groups of up to four hexadecimal digits, one run of which may be left out as "::", and a dotted
// IPv4 address may stand at the end.
bool parse_v6(std::string_view text, IpBytes& out) {
  IpBytes bytes{};
  size_t size = 0;
  std::optional<size_t> gap;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  } else if (text.starts_with(':')) {
    return false;
  }
  while (!text.empty()) {
    size_t end = text.find(':');
    std::string_view group = text.substr(0, end);
    if (end == text.npos && group.find('.') != group.npos) {
      if (size > 12 || !parse_v4(group, &bytes[size])) return false;
      size += 4;
      break;
    }
    if (group.empty() || group.size() > 4 || size > 14) return false;
    int value = 0;
    for (char c : group) {
      if (hex(c) < 0) return false;
      value = value * 16 + hex(c);
    }
    bytes[size++] = static_cast<uint8_t>(value >> 8);
    bytes[size++] = static_cast<uint8_t>(value & 0xff);
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
    if (text.starts_with(':')) {
      if (gap) return false;
      gap = size;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return false;
    }
  }
  if (!gap && size != 16) return false;
  if (gap && size > 14) return false;
  out = {};
  const size_t head = gap.value_or(16);
  for (size_t i = 0; i < size; ++i) out[i < head ? i : 16 - size + i] = bytes[i];
  return true;
}

// "24", without leading zeros and at most `max`; -1: something else.
int parse_bits(std::string_view text, int max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return -1;
  int count = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return -1;
    count = count * 10 + (c - '0');
  }
  return count <= max ? count : -1;
}

std::string v6_text(const IpBytes& bytes) {
  std::array<unsigned, 8> groups{};
  for (size_t i = 0; i < 8; ++i) groups[i] = bytes[2 * i] * 256u + bytes[2 * i + 1];
  // The longest run of at least two zero groups is left out, the first of equals.
  size_t gap = 8, length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > length) gap = i, length = end - i;
  }
  std::string text;
  for (size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      text += "::";
      i += length - 1;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    char digits[8];
    std::snprintf(digits, sizeof digits, "%x", groups[i]);
    text += digits;
  }
  return text;
}

}  // namespace

int parse_ip(std::string_view text, IpBytes& out) {
  out = {};
  if (parse_v4(text, &out[12])) return 4;
  return text.find(':') != text.npos && parse_v6(text, out) ? 6 : 0;
}

std::string ip_text(const IpBytes& address, bool ipv6) {
  if (ipv6) return v6_text(address);
  std::string text;
  for (size_t i = 12; i < 16; ++i) {
    if (i > 12) text += '.';
    text += std::to_string(address[i]);
  }
  return text;
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
  IpRange range;
  const size_t slash = text.find('/');
  const int version = parse_ip(text.substr(0, slash), range.address);
  if (version == 0) return {};
  range.ipv6 = version == 6;
  const int bits =
      slash == text.npos ? range.width() : parse_bits(text.substr(slash + 1), range.width());
  if (bits < 0) return {};
  range.bits = static_cast<uint8_t>(bits);
  for (int bit = bits; bit < range.width(); ++bit) {
    const int at = bit + 128 - range.width();
    range.address[static_cast<size_t>(at / 8)] &= static_cast<uint8_t>(~(0x80 >> (at % 8)));
  }
  return range;
}

bool IpRange::contains(const IpRange& other) const {
  if (ipv6 != other.ipv6 || other.bits < bits) return false;
  const int last = bits + 128 - width();
  for (int at = 128 - width(); at < last; ++at) {
    const int differ = address[static_cast<size_t>(at / 8)] ^ other.address[static_cast<size_t>(at / 8)];
    if (differ & (0x80 >> (at % 8))) return false;
  }
  return true;
}

std::string IpRange::to_string() const {
  return ip_text(address, ipv6) + "/" + std::to_string(bits);
}

}  // namespace keelson::api
