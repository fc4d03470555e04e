// Whose pods a change is about.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace keelson::lab {

struct Target {
  std::string ns = "default", kind, name;
};
// "[NAMESPACE/]deployment/NAME". Error: Code::invalid.
Result<Target> parse_target(std::string_view text);

}  // namespace keelson::lab
