#include "runtime/volumes/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace keelson::volumes {

namespace {

// Levels that a tree is walked down with open descriptors. A container can make a deeper one; what
// is deeper is lifted up first.
constexpr int kMaxDepth = 64;

Fd open_resolved(int base, const std::string& path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve;
  return Fd(static_cast<int>(syscall(SYS_openat2, base, path.c_str(), &how, sizeof how)));
}

struct Entry {
  std::string name;
  bool directory = false;
};

// The entries of an open directory, which is read from its beginning.
std::vector<Entry> entries_of(int fd) {
  std::vector<Entry> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY)),
                                                &closedir);
  if (!dir) return out;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
      struct stat info {};
      directory = fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                  S_ISDIR(info.st_mode);
    }
    out.push_back({name, directory});
  }
  return out;
}

class Remover {
 public:
  explicit Remover(int top) : top_(top) {}

  // False: something is left, and status() says why, or another round is needed.
  bool empty(int fd, int depth) {
    bool all = true;
    for (const Entry& entry : entries_of(fd)) {
      if (!remove(fd, entry, depth)) all = false;
    }
    return all;
  }
  const Status& status() const { return status_; }
  bool lifted() { return std::exchange(lifted_, false); }

 private:
  bool remove(int fd, const Entry& entry, int depth) {
    const char* name = entry.name.c_str();
    if (!entry.directory) {
      if (unlinkat(fd, name, 0) == 0 || errno == ENOENT) return true;
      return fail("cannot remove", entry.name);
    }
    if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    if (errno != ENOTEMPTY && errno != EEXIST) return fail("cannot remove", entry.name);
    if (depth == kMaxDepth) {
      const std::string higher = ".lifted-" + std::to_string(++count_);
      if (renameat(fd, name, top_, higher.c_str()) != 0) return fail("cannot move", entry.name);
      lifted_ = true;
      return true;
    }
    const Fd child = open_plain(fd, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!child) return errno == ENOENT || fail("cannot enter", entry.name);
    if (!empty(child.get(), depth + 1)) return false;
    if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    return fail("cannot remove", entry.name);
  }
  bool fail(const std::string& what, const std::string& name) {
    if (status_.ok()) status_ = last_error(what, name);
    return false;
  }

  int top_;
  int count_ = 0;
  bool lifted_ = false;
  Status status_;
};

void add_usage(int fd, dev_t device, int depth, TreeUsage& out) {
  for (const Entry& entry : entries_of(fd)) {
    struct stat info {};
    if (fstatat(fd, entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (info.st_dev != device) continue;
    ++out.inodes;
    // A file of several names is paid for once, by its first link's share.
    out.bytes += static_cast<uint64_t>(info.st_blocks) * 512 /
                 (S_ISDIR(info.st_mode) ? 1 : std::max<uint64_t>(1, info.st_nlink));
    if (!S_ISDIR(info.st_mode) || depth == kMaxDepth) continue;
    const Fd child = open_plain(fd, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (child) add_usage(child.get(), device, depth + 1, out);
  }
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Error last_error(const std::string& what, const std::string& path) {
  const int error = errno;
  return {error == ENOENT ? Code::not_found : Code::unavailable,
          what + " " + path + ": " + std::strerror(error)};  // NOLINT: glibc's is safe
}

Fd open_below(int base, const std::string& path, int flags) {
  return open_resolved(base, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

Fd open_plain(int base, const std::string& path, int flags) {
  return open_resolved(base, path, flags,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

Status make_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0750) != 0 && errno != EEXIST) {
      return last_error("cannot make directory", part);
    }
    if (at == std::string::npos) return {};
  }
}

bool exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

Result<std::string> read_file(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return last_error("cannot open", path);
  std::string out;
  char buffer[16384];
  for (;;) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("cannot read", path);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
  }
}

Status write_file(const std::string& path, const std::string& content, mode_t mode, uid_t owner,
                  gid_t group) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return last_error("cannot make", path);
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t put = write(fd.get(), content.data() + done, content.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return last_error("cannot write", path);
    done += static_cast<std::size_t>(put);
  }
  if ((owner != 0 || group != 0) && fchown(fd.get(), owner, group) != 0) {
    return last_error("cannot give away", path);
  }
  // After the owner: a change of owner clears bits.
  if (fchmod(fd.get(), mode) != 0) return last_error("cannot set the mode of", path);
  return {};
}

Status remove_tree(int base, const std::string& name) {
  if (unlinkat(base, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  const Fd top = open_plain(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!top) return last_error("cannot enter", name);
  Remover remover(top.get());
  do {
    if (!remover.empty(top.get(), 0)) return remover.status();
  } while (remover.lifted());
  if (unlinkat(base, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return last_error("cannot remove", name);
}

Status remove_tree(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const Fd parent(open(path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) return errno == ENOENT ? Status() : last_error("cannot open", path);
  return remove_tree(parent.get(), path.substr(slash + 1));
}

TreeUsage usage_of(const std::string& path) {
  TreeUsage out;
  struct stat info {};
  const Fd top(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top || fstat(top.get(), &info) != 0) return out;
  out = {static_cast<uint64_t>(info.st_blocks) * 512, 1};
  add_usage(top.get(), info.st_dev, 0, out);
  return out;
}

}  // namespace keelson::volumes
