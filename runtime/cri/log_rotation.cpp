#include "runtime/cri/log_rotation.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <vector>

namespace keelson::cri {

namespace fs = std::filesystem;

namespace {

// Oldest first: the names sort by their times.
std::vector<fs::path> aside_of(const std::string& path) {
  std::vector<fs::path> out;
  const std::string prefix = fs::path(path).filename().string() + ".";
  std::error_code error;
  for (fs::directory_iterator at(fs::path(path).parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().starts_with(prefix)) out.push_back(at->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// One that sorts behind all that are there.
std::string name_aside(const std::string& path, WallTime now) {
  const std::time_t seconds = now.unix_ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  const std::string name = fmt::format("{}.{:%Y%m%d-%H%M%S}", path, utc);
  const std::vector<fs::path> all = aside_of(path);
  std::string free = name;
  for (int i = 1; !all.empty() && free <= all.back() && i < 100; ++i) {
    free = fmt::format("{}.{:02}", name, i);
  }
  return free;
}

}  // namespace

bool log_too_long(const std::string& path, const LogLimits& limits) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return !error && size > limits.bytes_max;
}

Result<std::string> put_log_aside(const std::string& path, const LogLimits& limits, WallTime now) {
  const std::string aside = name_aside(path, now);
  std::error_code error;
  fs::rename(path, aside, error);
  if (error) {
    return {Code::unavailable, fmt::format("failed to rename {}: {}", path, error.message())};
  }
  const std::vector<fs::path> all = aside_of(path);
  const std::size_t keep = std::max<std::size_t>(limits.files_max, 2) - 1;
  for (std::size_t i = 0; i + keep < all.size(); ++i) fs::remove(all[i], error);
  return aside;
}

void take_log_back(const std::string& path, const std::string& aside) {
  std::error_code error;
  if (!fs::exists(path, error)) fs::rename(aside, path, error);
}

}  // namespace keelson::cri
