// What may be said about IP addresses and ranges.
#include "core/api/ip_range.hpp"
#include "core/api/validate/validators.hpp"

namespace keelson::api {
namespace {

IpFamily parse(std::string_view text, IpBytes& out) {
  const int version = parse_ip(text, out);
  return version == 4 ? IpFamily::v4 : version == 6 ? IpFamily::v6 : IpFamily::none;
}

bool all_zero(const IpBytes& bytes, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

}  // namespace

IpFamily ip_family(std::string_view text) {
  IpBytes bytes;
  return parse(text, bytes);
}

IpFamily cidr_family(std::string_view text) {
  if (text.find('/') == text.npos) return IpFamily::none;
  const std::optional<IpRange> range = IpRange::parse(text);
  if (!range) return IpFamily::none;
  return range->ipv6 ? IpFamily::v6 : IpFamily::v4;
}

void check_ip(Errors& errors, const Path& path, std::string_view text) {
  if (ip_family(text) == IpFamily::none) {
    errors.invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
}

void check_reachable_ip(Errors& errors, const Path& path, std::string_view text) {
  IpBytes b;
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
