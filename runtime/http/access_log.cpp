#include "runtime/http/access_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/log/timestamp.hpp"

namespace keelson::http {
namespace {

// Clients choose these texts: no line of theirs may look like one of ours.
std::string clean(std::string_view text) {
  if (text.empty()) return "-";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

AccessLog::~AccessLog() {
  if (owned_) ::close(fd_);
}

Status AccessLog::open(const std::string& path) {
  if (path.empty()) return {};
  if (path == "-") {
    fd_ = STDERR_FILENO;
    return {};
  }
  fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) return {Code::invalid, "access log " + path + ": " + std::strerror(errno)};
  owned_ = true;
  return {};
}

void AccessLog::write(const AccessEntry& entry) const {
  if (fd_ < 0) return;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(entry.took).count();
  const std::string line = fmt::format(
      "{} {} {} {} {}B {}.{:03}ms user=\"{}\" agent=\"{}\" id={} from={}\n",
      runtime::log_timestamp(), clean(entry.method), clean(entry.target), entry.status,
      entry.bytes, us / 1000, us % 1000, clean(entry.user), clean(entry.agent), clean(entry.id),
      entry.peer);
  while (::write(fd_, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace keelson::http
