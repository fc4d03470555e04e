#include "runtime/host/proc.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace keelson::host {

namespace {

std::string strip(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\n");
  if (from == text.npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t\n") + 1 - from));
}

}  // namespace

std::string contents(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  if (in) out << in.rdbuf();
  return out.str();
}

std::string trimmed(const std::string& path) {
  return strip(contents(path));
}

std::string field(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key)) return strip(std::string_view(line).substr(key.size()));
  }
  return {};
}

std::optional<uint64_t> number_after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

Result<Memory> read_memory(const std::string& root) {
  const std::string text = contents(root + "/proc/meminfo");
  const auto kilobytes = [&](const char* key) {
    return number_after(field(text, key), "").value_or(0) * 1024;
  };
  const Memory out{kilobytes("MemTotal:"), kilobytes("MemAvailable:")};
  if (out.capacity_bytes == 0) {
    return {Code::unavailable, root + "/proc/meminfo does not say how much memory there is"};
  }
  return out;
}

Processes read_processes(const std::string& root) {
  Processes out;
  out.max = number_after(trimmed(root + "/proc/sys/kernel/pid_max"), "").value_or(0);
  const uint64_t threads =
      number_after(trimmed(root + "/proc/sys/kernel/threads-max"), "").value_or(0);
  if (threads > 0) out.max = std::min(out.max, threads);
  // "0.20 0.18 0.12 1/80 11206": the fourth is runnable and all.
  std::istringstream words(contents(root + "/proc/loadavg"));
  std::string one, five, fifteen, tasks;
  words >> one >> five >> fifteen >> tasks;
  const std::size_t slash = tasks.find('/');
  if (slash != tasks.npos) out.used = number_after(tasks.substr(slash), "/").value_or(0);
  return out;
}

agent::FilesystemStats read_filesystem(const std::string& path) {
  struct statvfs info {};
  std::string at = path;
  while (statvfs(at.c_str(), &info) != 0) {
    const std::size_t slash = at.rfind('/');
    if (at.size() <= 1 || slash == at.npos) return {};
    at.resize(std::max<std::size_t>(1, slash));
  }
  return {.capacity_bytes = info.f_blocks * info.f_frsize,
          .available_bytes = info.f_bavail * info.f_frsize,
          .inodes = info.f_files,
          .inodes_free = info.f_favail};
}

}  // namespace keelson::host
