// Working in directories that containers can write to: by file descriptors, never following a link
// or crossing a mount that somebody has put there. All calls block.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "core/base/result.hpp"

namespace keelson::volumes {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "WHAT PATH: why", of errno. What cannot be found is Code::not_found, the rest Code::unavailable.
Error last_error(const std::string& what, const std::string& path);

// Opens `path` below the directory `base`. Links in it are followed as long as they stay below.
// errno says why not: EXDEV for what leads out.
Fd open_below(int base, const std::string& path, int flags);
// Likewise, but no component may be a link or a mount point.
Fd open_plain(int base, const std::string& path, int flags);

// All directories of the path, 0750 where they are missing.
Status make_directories(const std::string& path);
// Whether there is something of that name, which may be a dangling link.
bool exists(const std::string& path);
Result<std::string> read_file(const std::string& path);
// A new file with exactly this mode and owner, whatever the umask.
Status write_file(const std::string& path, const std::string& content, mode_t mode, uid_t owner,
                  gid_t group);

// Removes `name` in the directory `base` with all below it. Stops at mounts: Code::unavailable, and
// nothing behind them is touched. What is not there counts as removed.
Status remove_tree(int base, const std::string& name);
// The same of an absolute path.
Status remove_tree(const std::string& path);

struct TreeUsage {
  uint64_t bytes = 0;  // on the disk
  uint64_t inodes = 0;
};
// Of the directory and all below it on its file system. What vanishes meanwhile does not count.
TreeUsage usage_of(const std::string& path);

}  // namespace keelson::volumes
