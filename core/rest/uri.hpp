// A request target taken apart: "/api/v1/pods?labelSelector=a%3Db&watch".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keelson::rest {

struct Uri {
  std::string path;                   // decoded, as it was sent otherwise
  std::vector<std::string> segments;  // of the path, decoded; empty ones left out
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order

  bool has(std::string_view name) const;
  // The first value of that name; empty if there is none.
  std::string_view get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  // Go's rule for API booleans: "", "0", "false" and "False" are false where the name is present...
  // except that a bare name ("?watch") is true.
  bool flag(std::string_view name) const;
};

// Empty: no absolute path, or a broken %-escape.
std::optional<Uri> parse_target(std::string_view target);

}  // namespace keelson::rest
