// Durations as people write them.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace keelson {

// "250ms", "1m30s", "2h", "1.5s", "0". Error: Code::invalid.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);  // "1m30s", "250ms"

}  // namespace keelson
