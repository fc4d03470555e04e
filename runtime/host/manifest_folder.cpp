#include "runtime/host/manifest_folder.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "runtime/host/proc.hpp"

namespace keelson::host {

namespace {

// Larger ones are no manifests: the API would not take such an object either.
constexpr int64_t kMostBytes = 1 << 20;

bool is_manifest(const std::string& name) {
  return !name.starts_with('.') &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

}  // namespace

ManifestFolder::ManifestFolder(Loop& loop, Log& log, std::string path, Duration period)
    : log_(log), path_(std::move(path)), period_(period), timer_(loop, [this] { look(); }) {}

void ManifestFolder::watch(Callback<void(std::vector<agent::Manifest>)> on_change) {
  on_change_ = std::move(on_change);
  if (on_change_) {
    timer_.arm(Duration::zero());
  } else {
    timer_.disarm();
  }
}

void ManifestFolder::look() {
  timer_.arm(period_);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path_.c_str()), &closedir);
  if (!dir && errno != ENOENT) {
    if (!std::exchange(failing_, true)) {
      log_.warning("manifests cannot be read",
                   {{"path", path_}, {"why", std::strerror(errno)}});  // NOLINT
    }
    return;
  }
  failing_ = false;
  std::map<std::string, Version> now;
  while (const dirent* entry = dir ? readdir(dir.get()) : nullptr) {
    const std::string path = path_ + "/" + entry->d_name;
    struct stat info {};
    if (!is_manifest(entry->d_name) || stat(path.c_str(), &info) != 0) continue;
    if (!S_ISREG(info.st_mode) || info.st_size > kMostBytes) continue;
    now[path] = {int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec,
                 static_cast<uint64_t>(info.st_size), info.st_ino};
  }
  if (told_ && now == seen_) return;
  told_ = true;
  seen_ = std::move(now);
  std::vector<agent::Manifest> manifests;
  for (const auto& [path, version] : seen_) manifests.push_back({path, contents(path)});
  on_change_(std::move(manifests));
}

}  // namespace keelson::host
