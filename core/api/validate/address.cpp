// IP addresses and ranges as text. Source: RFC 791, RFC 4291 section 2.2; leading zeros in IPv4
// octets are refused, because some read them as octal.
#include <array>
#include <optional>

#include "core/api/validate/validators.hpp"

namespace keelson::api {
namespace {

using Bytes = std::array<uint8_t, 16>;  // IPv4 in the last four

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
bool parse_v6(std::string_view text, Bytes& out) {
  std::array<uint8_t, 16> bytes{};
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

IpFamily parse(std::string_view text, Bytes& out) {
  out = {};
  if (parse_v4(text, &out[12])) return IpFamily::v4;
  if (text.find(':') != text.npos && parse_v6(text, out)) return IpFamily::v6;
  return IpFamily::none;
}

bool all_zero(const Bytes& bytes, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

}  // namespace

IpFamily ip_family(std::string_view text) {
  Bytes bytes;
  return parse(text, bytes);
}

IpFamily cidr_family(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == text.npos) return IpFamily::none;
  IpFamily family = ip_family(text.substr(0, slash));
  std::string_view bits = text.substr(slash + 1);
  if (family == IpFamily::none || bits.empty() || bits.size() > 3) return IpFamily::none;
  if (bits.size() > 1 && bits[0] == '0') return IpFamily::none;
  int count = 0;
  for (char c : bits) {
    if (c < '0' || c > '9') return IpFamily::none;
    count = count * 10 + (c - '0');
  }
  return count <= (family == IpFamily::v4 ? 32 : 128) ? family : IpFamily::none;
}

void check_ip(Errors& errors, const Path& path, std::string_view text) {
  if (ip_family(text) == IpFamily::none) {
    errors.invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
}

void check_reachable_ip(Errors& errors, const Path& path, std::string_view text) {
  Bytes b;
  const IpFamily family = parse(text, b);
  if (family == IpFamily::none) return check_ip(errors, path, text);
  const bool v4 = family == IpFamily::v4;
  if (all_zero(b, 0, 16)) {
    errors.invalid(path, text, "may not be unspecified (0.0.0.0 or ::)");
  }
  if (v4 ? b[12] == 127 : all_zero(b, 0, 15) && b[15] == 1) {
    errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (v4 ? b[12] == 169 && b[13] == 254 : b[0] == 0xfe && (b[1] & 0xc0) == 0x80) {
    errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (v4 ? b[12] == 224 && b[13] == 0 && b[14] == 0 : b[0] == 0xff && (b[1] & 0x0f) == 2) {
    errors.invalid(path, text,
                   "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

void check_cidr(Errors& errors, const Path& path, std::string_view text) {
  if (cidr_family(text) == IpFamily::none) {
    errors.invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  }
}

}  // namespace keelson::api
