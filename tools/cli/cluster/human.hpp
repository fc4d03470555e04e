// Times as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace keelson::cli {

// "90s", "5m3s", "3h", "2d4h", "3y20d": the age column. Source: HumanDuration of
// k8s.io/apimachinery/pkg/util/duration.
std::string human_duration(int64_t seconds);

// The age at `now` of an RFC 3339 time; "<unknown>" if it is absent or malformed.
std::string age(std::string_view time, WallTime now);

// "Mon, 02 Jan 2006 15:04:05 +0000": how describe prints times (UTC, whatever the machine's zone:
// the server's clock is what counts). Empty if malformed.
std::string long_time(std::string_view rfc3339);

// "30s", "1m30s", "2h", "500ms", and a bare number as seconds: what kubectl takes for durations.
// Nothing for what is malformed or longer than kLongestDuration, which can be added to any present time.
inline constexpr Duration kLongestDuration = std::chrono::hours(100 * 365 * 24);
std::optional<Duration> parse_duration(std::string_view text);

// How long a token is valid: one second or more, or zero, for ever, if the text is "0" or "0s" and nothing
// that merely comes to it.
std::optional<Duration> parse_lifetime(std::string_view text);

}  // namespace keelson::cli
