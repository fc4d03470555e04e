// The text form of times, below json.hpp's functions: what the codec itself calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keelson::api {

// "2026-11-23T02:38:23Z"; with `micro` six digits of a fraction.
std::string format_seconds(int64_t seconds, int32_t nanos, bool micro);

// RFC 3339 with any offset and any number of fractional digits. False: it is none.
bool parse_time(std::string_view text, int64_t& seconds, int32_t& nanos);

}  // namespace keelson::api
