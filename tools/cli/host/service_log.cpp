#include "tools/cli/host/service_log.hpp"

#include <fcntl.h>

#include <filesystem>
#include <system_error>

namespace keelson::cli {

int open_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void shorten_log(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || size <= kLogBytesMax) return;
  const auto old = [&](int i) { return path + '.' + std::to_string(i); };
  for (int i = kOldLogs; i > 1; --i) fs::rename(old(i - 1), old(i), error);  // those that there are
  fs::copy_file(path, old(1), fs::copy_options::overwrite_existing, error);
  // Also when the copy failed: a full disk is no reason to go on filling it.
  fs::resize_file(path, 0, error);
}

}  // namespace keelson::cli
