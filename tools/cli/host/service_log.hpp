// Where systemd's journal does not do it: the output of a service in a file that does not grow for ever.
#pragma once

#include <cstdint>
#include <string>

namespace keelson::cli {

inline constexpr std::uintmax_t kLogBytesMax = 10 << 20;
inline constexpr int kOldLogs = 3;

// Opened for appending, -1 and errno if that fails.
int open_log(const std::string& path);

// Makes PATH.1 (the youngest) to PATH.3 of a log longer than kLogBytesMax and empties it. The file stays the
// same, as whoever writes it has it open; REQUIRES that they append. What they write in that moment is lost.
void shorten_log(const std::string& path);

}  // namespace keelson::cli
