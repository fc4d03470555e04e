#include "runtime/volumes/disk_volumes.hpp"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "runtime/volumes/files.hpp"
#include "runtime/volumes/pod_folder.hpp"

namespace keelson::volumes {

namespace {

Result<Unit> answer(Status status) {
  if (!status.ok()) return status.error();
  return Unit{};
}

Result<std::vector<std::string>> pods_in(const std::string& root) {
  std::vector<std::string> out;
  const std::string path = root + "/pods";
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), &closedir);
  if (!dir) {
    if (errno == ENOENT) return out;
    return last_error("cannot list", path);
  }
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

DiskVolumes::DiskVolumes(runtime::AsioLoop& loop, DiskOptions options)
    : options_(std::move(options)), quick_(loop), slow_(loop), measuring_(loop) {
  std::error_code error;
  if (const auto whole = std::filesystem::absolute(options_.root, error); !error) {
    options_.root = whole.lexically_normal();
  }
  while (options_.root.size() > 1 && options_.root.ends_with('/')) options_.root.pop_back();
  // The kernel names mounts by their true paths. A root that cannot be made shows when it is used.
  if (!make_directories(options_.root).ok()) return;
  const std::unique_ptr<char, decltype(&std::free)> real(
      realpath(options_.root.c_str(), nullptr), &std::free);
  if (real) options_.root = real.get();
}

void DiskVolumes::set_up(agent::PodVolumeSetup setup, Done<Unit> done) {
  quick_.run<Unit>(
      [root = options_.root, setup = std::move(setup)] {
        const PodFolder folder(root, setup.uid);
        Status status = folder.valid();
        return answer(status.ok() ? folder.set_up(setup) : status);
      },
      std::move(done));
}

void DiskVolumes::locate(std::string uid, std::string container,
                         std::vector<agent::VolumePart> parts,
                         Done<std::vector<std::string>> done) {
  quick_.run<std::vector<std::string>>(
      [root = options_.root, uid = std::move(uid), container = std::move(container),
       parts = std::move(parts)]() -> Result<std::vector<std::string>> {
        const PodFolder folder(root, uid);
        if (Status status = folder.valid(); !status.ok()) return status.error();
        return folder.locate(container, parts);
      },
      std::move(done));
}

void DiskVolumes::tear_down(std::string uid, bool all, Done<Unit> done) {
  slow_.run<Unit>(
      [root = options_.root, uid = std::move(uid), all] {
        const PodFolder folder(root, uid);
        Status status = folder.valid();
        return answer(status.ok() ? folder.tear_down(all) : status);
      },
      std::move(done));
}

void DiskVolumes::list(Done<std::vector<std::string>> done) {
  slow_.run<std::vector<std::string>>([root = options_.root] { return pods_in(root); },
                                      std::move(done));
}

void DiskVolumes::usage(Done<agent::VolumeUsages> done) {
  measuring_.run<agent::VolumeUsages>(
      [root = options_.root]() -> Result<agent::VolumeUsages> {
        const Result<std::vector<std::string>> uids = pods_in(root);
        if (!uids.ok()) return uids.error();
        agent::VolumeUsages out;
        for (const std::string& uid : *uids) {
          std::vector<agent::VolumeUsage> volumes = PodFolder(root, uid).usage();
          if (!volumes.empty()) out.emplace(uid, std::move(volumes));
        }
        return out;
      },
      std::move(done));
}

}  // namespace keelson::volumes
