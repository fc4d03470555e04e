#include "runtime/volumes/mounts.hpp"

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "runtime/volumes/files.hpp"

namespace keelson::volumes {

namespace {

// Blanks and the like stand in mountinfo as three octal digits.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t k) {
      return k < text.size() && text[k] >= '0' && text[k] <= '7';
    };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// What can be mounted upon one another or come anew while we unmount.
constexpr int kMaxRounds = 16;

}  // namespace

std::vector<std::string> mount_points(const std::string& mountinfo) {
  std::vector<std::string> out;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    if (words >> id >> parent >> device >> root >> point) out.push_back(unescaped(point));
  }
  return out;
}

Result<std::vector<std::string>> mounts_below(const std::string& path) {
  const Result<std::string> text = read_file("/proc/self/mountinfo");
  if (!text.ok()) return text.error();
  std::vector<std::string> out;
  for (std::string& point : mount_points(*text)) {
    if (point == path || point.starts_with(path + "/")) out.push_back(std::move(point));
  }
  // Later ones lie on top of earlier ones.
  std::reverse(out.begin(), out.end());
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return out;
}

Status mount_tmpfs(const std::string& path, const TmpfsOptions& options) {
  std::ostringstream data;
  data << "mode=" << std::oct << options.mode << std::dec;
  if (options.group) data << ",gid=" << *options.group;
  if (options.size_max > 0) data << ",size=" << options.size_max;
  if (mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, data.str().c_str()) != 0) {
    return last_error("cannot mount memory at", path);
  }
  return {};
}

Status bind_mount(int fd, const std::string& target) {
  const std::string source = "/proc/self/fd/" + std::to_string(fd);
  if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return last_error("cannot bind-mount at", target);
  }
  return {};
}

Status unmount_below(const std::string& path) {
  Status last;
  for (int round = 0; round < kMaxRounds; ++round) {
    const Result<std::vector<std::string>> mounted = mounts_below(path);
    if (!mounted.ok()) return mounted.error();
    if (mounted->empty()) return {};
    for (const std::string& point : *mounted) {
      if (umount2(point.c_str(), UMOUNT_NOFOLLOW) == 0 || errno == EINVAL) continue;
      // Somebody still has a file open there: it is out of sight at least, and goes with them.
      if (errno != EBUSY || umount2(point.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) != 0) {
        last = last_error("cannot unmount", point);
      }
    }
  }
  return last.ok() ? Status(Code::unavailable, "mounts keep coming below " + path) : last;
}

}  // namespace keelson::volumes
