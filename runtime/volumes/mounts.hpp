// Mounts of this process's namespace. All calls block; they need CAP_SYS_ADMIN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::volumes {

// Mount points at `path` or below it, deepest first, as /proc/self/mountinfo has them.
Result<std::vector<std::string>> mounts_below(const std::string& path);
// The mount points in a text like /proc/self/mountinfo, in its order. Lines that are none are skipped.
std::vector<std::string> mount_points(const std::string& mountinfo);

struct TmpfsOptions {
  uint32_t mode = 0755;
  std::optional<int64_t> group;
  int64_t size_max = 0;  // bytes; 0: the kernel's default, half of the memory
};
Status mount_tmpfs(const std::string& path, const TmpfsOptions& options);

// Shows what `fd` is open on at `target`, which is there and of the same sort.
Status bind_mount(int fd, const std::string& target);

// Ends with nothing mounted at `path` or below, or with an error.
Status unmount_below(const std::string& path);

}  // namespace keelson::volumes
