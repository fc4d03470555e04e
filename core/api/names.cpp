// The rules for names, label keys and values, with the reasons worded as Kubernetes words them.
// Matched by hand: names are checked on every write and std::regex is slow and throws.
// Source: k8s.io/apimachinery/pkg/util/validation; RFC 1035, RFC 1123.
#include <fmt/format.h>

#include "core/api/validate/names.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

constexpr size_t dns_label_length_max = 63;       // RFC 1035, section 2.3.4
constexpr size_t dns_subdomain_length_max = 253;  // RFC 1035 less the length octets

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool alphanumeric(char c) {
  return letter(c) || digit(c);
}

std::string too_long(size_t length_max) {
  return fmt::format("must be no more than {} characters", length_max);
}

bool matches_dns1123_label(std::string_view text) {
  if (text.empty() || text.front() == '-' || text.back() == '-') return false;
  for (char c : text) {
    if (!is_lower(c) && !digit(c) && c != '-') return false;
  }
  return true;
}

bool matches_dns1123_subdomain(std::string_view text) {
  for (;;) {
    size_t dot = text.find('.');
    if (!matches_dns1123_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool matches_qualified(std::string_view text) {
  if (text.empty() || !alphanumeric(text.front()) || !alphanumeric(text.back())) return false;
  for (char c : text) {
    if (!alphanumeric(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

constexpr std::string_view qualified_reason =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

}  // namespace

std::vector<std::string> check_dns1123_subdomain(std::string_view name) {
  std::vector<std::string> reasons;
  if (name.size() > dns_subdomain_length_max) reasons.push_back(too_long(dns_subdomain_length_max));
  if (!matches_dns1123_subdomain(name)) {
    reasons.emplace_back(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
  }
  return reasons;
}

std::vector<std::string> check_dns1123_label(std::string_view name) {
  std::vector<std::string> reasons;
  if (name.size() > dns_label_length_max) reasons.push_back(too_long(dns_label_length_max));
  if (!matches_dns1123_label(name)) {
    // A dotted name gets the hint that dots are what is wrong with it.
    if (matches_dns1123_subdomain(name)) {
      reasons.emplace_back("must not contain dots");
    } else {
      reasons.emplace_back(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
          "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
          "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')");
    }
  }
  return reasons;
}

std::vector<std::string> check_dns1035_label(std::string_view name) {
  std::vector<std::string> reasons;
  if (name.size() > dns_label_length_max) reasons.push_back(too_long(dns_label_length_max));
  if (!matches_dns1123_label(name) || digit(name.front())) {
    reasons.emplace_back(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
        "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
  }
  return reasons;
}

std::vector<std::string> check_label_value(std::string_view value) {
  std::vector<std::string> reasons;
  if (value.size() > dns_label_length_max) reasons.push_back(too_long(dns_label_length_max));
  if (!value.empty() && !matches_qualified(value)) {
    reasons.emplace_back(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
  }
  return reasons;
}

std::vector<std::string> check_qualified_name(std::string_view name) {
  std::vector<std::string> reasons;
  std::string_view part = name;
  if (size_t slash = name.find('/'); slash != std::string_view::npos) {
    std::string_view prefix = name.substr(0, slash);
    part = name.substr(slash + 1);
    if (part.find('/') != std::string_view::npos) {
      reasons.push_back(
          fmt::format("a qualified name {} with an optional DNS subdomain prefix and "
                      "'/' (e.g. 'example.com/MyName')",
                      qualified_reason));
      return reasons;
    }
    if (prefix.empty()) {
      reasons.emplace_back("prefix part must be non-empty");
    } else {
      for (const auto& reason : check_dns1123_subdomain(prefix)) {
        reasons.push_back("prefix part " + reason);
      }
    }
  }
  if (part.empty()) {
    reasons.emplace_back("name part must be non-empty");
  } else if (part.size() > dns_label_length_max) {
    reasons.push_back("name part " + too_long(dns_label_length_max));
  }
  if (!matches_qualified(part)) reasons.push_back(fmt::format("name part {}", qualified_reason));
  return reasons;
}

std::vector<std::string> check_port_name(std::string_view name) {
  std::vector<std::string> reasons;
  if (name.size() > 15) reasons.push_back(too_long(15));  // RFC 6335, section 5.1
  bool charset = !name.empty();
  bool any_letter = false;
  for (char c : name) {
    charset = charset && (is_lower(c) || digit(c) || c == '-');
    any_letter = any_letter || is_lower(c);
  }
  if (!charset) {
    reasons.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!any_letter) reasons.emplace_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string_view::npos) {
    reasons.emplace_back("must not contain consecutive hyphens");
  }
  if (!name.empty() && (name.front() == '-' || name.back() == '-')) {
    reasons.emplace_back("must not begin or end with a hyphen");
  }
  return reasons;
}

std::vector<std::string> check_env_name(std::string_view name) {
  std::vector<std::string> reasons;
  bool printable = !name.empty();
  for (char c : name) printable = printable && c >= ' ' && c <= '~' && c != '=';
  if (!printable) {
    reasons.emplace_back(
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='");
  }
  return reasons;
}

std::vector<std::string> check_config_key(std::string_view key) {
  std::vector<std::string> reasons;
  if (key.size() > dns_subdomain_length_max) reasons.push_back(too_long(dns_subdomain_length_max));
  bool charset = !key.empty();
  for (char c : key) charset = charset && (alphanumeric(c) || c == '-' || c == '_' || c == '.');
  if (!charset) {
    reasons.emplace_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
        "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
        "'[-._a-zA-Z0-9]+')");
  }
  if (key == ".") {
    reasons.emplace_back("must not be '.'");
  } else if (key == "..") {
    reasons.emplace_back("must not be '..'");
  } else if (key.starts_with("..")) {
    reasons.emplace_back("must not start with '..'");
  }
  return reasons;
}

std::vector<std::string> check_http_header_name(std::string_view name) {
  bool valid = !name.empty();
  for (char c : name) valid = valid && (alphanumeric(c) || c == '-');
  if (valid) return {};
  return {
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
      "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"};
}

std::vector<std::string> check_path_segment(std::string_view name) {
  if (name == ".") return {"may not be '.'"};
  if (name == "..") return {"may not be '..'"};
  std::vector<std::string> reasons;
  if (name.find('/') != std::string_view::npos) reasons.emplace_back("may not contain '/'");
  if (name.find('%') != std::string_view::npos) reasons.emplace_back("may not contain '%'");
  return reasons;
}

}  // namespace keelson::api
