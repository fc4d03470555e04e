// Small files of /proc, /sys and /etc, and what they say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/agent/node_stats.hpp"
#include "core/base/result.hpp"

namespace keelson::host {

std::string contents(const std::string& path);  // empty if it cannot be read
std::string trimmed(const std::string& path);   // without blanks at the ends
// The rest of the line that begins with `key`, without blanks around it; empty: there is none.
std::string field(const std::string& text, std::string_view key);
// The number that follows `prefix` at the beginning of the text.
std::optional<uint64_t> number_after(std::string_view text, std::string_view prefix);

struct Memory {
  uint64_t capacity_bytes = 0;
  uint64_t available_bytes = 0;  // without having to swap, as the kernel estimates it
};
// `root` stands before /proc. Code::unavailable: it does not say.
Result<Memory> read_memory(const std::string& root);

struct Processes {
  uint64_t max = 0, used = 0;  // threads; max 0: not known
};
Processes read_processes(const std::string& root);

// Of the file system on which `path`, or the nearest folder above it that is there, lies. All zero: it
// cannot be had.
agent::FilesystemStats read_filesystem(const std::string& path);

}  // namespace keelson::host
