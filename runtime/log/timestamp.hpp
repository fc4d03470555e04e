// The time of day in log lines.
#pragma once

#include <string>

namespace keelson::runtime {

// "2026-11-25T16:00:00.123Z", now, in UTC.
std::string log_timestamp();

}  // namespace keelson::runtime
