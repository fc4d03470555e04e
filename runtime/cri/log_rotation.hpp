// Puts aside logs of containers that have grown too long, and removes the oldest.
// Source: kubelet's container log manager; unlike it the files are not compressed.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace keelson::cri {

struct LogLimits {
  uint64_t bytes_max = 0;
  uint32_t files_max = 0;  // the one being written included; at least 2
};

// Whether the log at `path` is longer than it may be.
bool log_too_long(const std::string& path, const LogLimits& limits);

// Renames it to "<path>.20260102-030405" (UTC; with a number behind if that is taken) and removes
// the oldest beyond files_max. Yields the new name; the runtime must then open the log anew. Until
// it has, it goes on writing into the renamed file, and nothing is lost.
Result<std::string> put_log_aside(const std::string& path, const LogLimits& limits, WallTime now);

// The runtime has refused: back to the old name, unless there is a new file by now.
void take_log_back(const std::string& path, const std::string& aside);

}  // namespace keelson::cri
