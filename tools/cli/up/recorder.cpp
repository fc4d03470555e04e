#include "tools/cli/up/recorder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace keelson::cli {

SessionRecorder::~SessionRecorder() {
  flush();
  if (file_ != nullptr) std::fclose(file_);
}

Status SessionRecorder::open(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  file_ = fd < 0 ? nullptr : ::fdopen(fd, "w");
  if (file_ == nullptr) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return {Code::invalid, file + ": cannot be written: " + why};
  }
  name_ = file;
  return {};
}

void SessionRecorder::write(const std::string& line) {
  if (file_ == nullptr) return;
  dirty_ = true;
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size()) fail();
}

void SessionRecorder::flush() {
  if (file_ != nullptr && std::exchange(dirty_, false) && std::fflush(file_) != 0) fail();
}

void SessionRecorder::fail() {
  std::fprintf(stderr, "keelson: %s: %s; the recording ends here\n", name_.c_str(),
               std::strerror(errno));
  std::fclose(std::exchange(file_, nullptr));
}

}  // namespace keelson::cli
