#include "runtime/volumes/host_path.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/volumes/files.hpp"

namespace keelson::volumes {

namespace {

Status mismatch(const std::string& path, const std::string& what) {
  return {Code::invalid, "hostPath type check failed: " + path + " is not " + what};
}

// Like `mkdir -p`, readable for all: containers of any user are to look in.
Status make(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
      return last_error("cannot make directory", part);
    }
    if (at == std::string::npos) return {};
  }
}

}  // namespace

Status check_host_path(const std::string& path, const std::string& type) {
  if (type.empty()) return {};
  struct stat info {};
  const bool there = stat(path.c_str(), &info) == 0;
  if (!there && type == "DirectoryOrCreate") return make(path);
  if (!there && type == "FileOrCreate") {
    const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    return fd ? Status() : Status(last_error("cannot make", path));
  }
  if (type == "Directory" || type == "DirectoryOrCreate") {
    return there && S_ISDIR(info.st_mode) ? Status() : mismatch(path, "a directory");
  }
  if (type == "File" || type == "FileOrCreate") {
    return there && S_ISREG(info.st_mode) ? Status() : mismatch(path, "a file");
  }
  if (type == "Socket") {
    return there && S_ISSOCK(info.st_mode) ? Status() : mismatch(path, "a socket file");
  }
  if (type == "CharDevice") {
    return there && S_ISCHR(info.st_mode) ? Status() : mismatch(path, "a character device");
  }
  if (type == "BlockDevice") {
    return there && S_ISBLK(info.st_mode) ? Status() : mismatch(path, "a block device");
  }
  return {Code::invalid, "unknown hostPath type \"" + type + "\""};
}

}  // namespace keelson::volumes
