// How an Event's time and repetition are told; shared with describe.
#pragma once

#include <string>

#include "core/base/time.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

// The last time that it was seen, RFC 3339; "" if it does not say.
std::string event_time(const Json& event);
// "5m" or "5m (x4 over 7m)".
std::string event_age(const Json& event, WallTime now);

}  // namespace keelson::cli
