#include "runtime/pki/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace keelson::runtime {

namespace {

constexpr std::size_t kFileMax = 1u << 20;

Error failed(const std::string& what, const std::string& path) {
  const int number = errno;
  return {number == ENOENT ? Code::not_found : Code::unavailable,
          "cannot " + what + " " + path + ": " + std::strerror(number)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed("open", path);
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > kFileMax) return Error{Code::invalid, path + " is larger than 1 MiB"};
  }
}

Status write_private_file(const std::string& path, const std::string& content) {
  const std::string beside = path + ".new";
  ::unlink(beside.c_str());  // of an earlier attempt
  {
    const Descriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed("create", beside);
    if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
      return failed("write", beside);
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed("replace", path);
  return {};
}

Status make_private_directory(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return {};
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, code);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("make directory", path);
  if (!std::filesystem::is_directory(path, code)) {
    return {Code::invalid, path + " is there but is no directory"};
  }
  return {};
}

}  // namespace keelson::runtime
