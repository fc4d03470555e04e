#include "runtime/process/last_seen.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace keelson::runtime {

namespace {

constexpr std::size_t kWidth = 20;  // of the number, so that a shorter one replaces a longer one

}  // namespace

LastSeen::LastSeen(std::string path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char text[kWidth + 1] = "";
  if (fd_ >= 0 && ::pread(fd_, text, kWidth, 0) > 0) {
    revision_.value = std::strtoull(text, nullptr, 10);
  }
}

LastSeen::~LastSeen() {
  if (fd_ >= 0) ::close(fd_);
}

void LastSeen::save(api::Revision revision) {
  revision_ = revision;
  char text[kWidth + 2];
  const int size = std::snprintf(text, sizeof text, "%0*llu\n", static_cast<int>(kWidth),
                                 static_cast<unsigned long long>(revision.value));
  // On a full disk the old number stays, which is the lesser harm: pods must go on being served.
  [[maybe_unused]] const ssize_t written =
      fd_ < 0 ? 0 : ::pwrite(fd_, text, static_cast<std::size_t>(size), 0);
}

}  // namespace keelson::runtime
