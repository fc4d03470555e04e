#include "runtime/volumes/pod_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "runtime/volumes/atomic_files.hpp"
#include "runtime/volumes/files.hpp"
#include "runtime/volumes/host_path.hpp"
#include "runtime/volumes/mounts.hpp"

namespace keelson::volumes {

namespace {

using agent::VolumePart;
using agent::VolumeSetup;

constexpr const char* kScratchFolder = "kubernetes.io~empty-dir";

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

// The folders of scratch volumes are everybody's: whom the containers run as is theirs to choose.
uint32_t scratch_mode(std::optional<int64_t> group) {
  return group ? 02777 : 0777;
}

Result<bool> mounted(const std::string& path) {
  const Result<std::vector<std::string>> points = mounts_below(path);
  if (!points.ok()) return points.error();
  return std::find(points->begin(), points->end(), path) != points->end();
}

// Makes the directories of a sub-path that are missing, one by one below `base`.
Status make_below(int base, const std::string& path) {
  struct stat info {};
  if (fstat(base, &info) != 0) return last_error("cannot look at the volume of", path);
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string parent = at == 0 ? "." : path.substr(0, at);
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    const Fd fd = open_below(base, parent, O_PATH | O_DIRECTORY);
    if (!fd) return last_error("cannot enter", parent);
    if (mkdirat(fd.get(), name.c_str(), 0700) == 0) {
      const Fd made = open_plain(fd.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      // As the volume itself is, so that whoever may write there may write here.
      if (!made || fchown(made.get(), info.st_uid, info.st_gid) != 0 ||
          fchmod(made.get(), info.st_mode & 07777) != 0) {
        return last_error("cannot make", name);
      }
    } else if (errno != EEXIST) {
      return last_error("cannot make", name);
    }
  }
  return {};
}

std::vector<std::string> plain_names_in(const std::string& directory) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), &closedir);
  while (const dirent* entry = dir ? readdir(dir.get()) : nullptr) {
    if (plain_name(entry->d_name)) out.emplace_back(entry->d_name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Status PodFolder::valid() const {
  return plain_name(uid_) ? Status() : Status(Code::invalid, "\"" + uid_ + "\" cannot be a uid");
}

std::string PodFolder::path_of(const agent::VolumePlace& place) const {
  if (!place.host_path.empty()) return place.host_path;
  return path_ + "/volumes/kubernetes.io~" + place.plugin + "/" + place.name;
}

Status PodFolder::set_up(const agent::PodVolumeSetup& setup) const {
  Status first = make_directories(path_);
  for (const VolumeSetup& volume : setup.volumes) {
    Status status = set_up_one(setup, volume);
    if (!status.ok() && first.ok()) {
      first = {status.code() == Code::not_found ? Code::unavailable : status.code(),
              "MountVolume.SetUp failed for volume \"" + volume.place.name +
                  "\" : " + status.message()};
    }
  }
  return first;
}

Status PodFolder::set_up_one(const agent::PodVolumeSetup& setup, const VolumeSetup& volume) const {
  if (!plain_name(volume.place.name) || !plain_name(volume.place.plugin)) {
    return {Code::invalid, "this is no name for a volume"};
  }
  const std::string path = path_of(volume.place);
  switch (volume.kind) {
    case VolumeSetup::Kind::host_path: return check_host_path(path, volume.host_type);
    case VolumeSetup::Kind::scratch: return make_scratch(path, volume, setup.group);
    case VolumeSetup::Kind::files: return make_files(path, volume, setup.group);
  }
  return {};
}

// Only once: later its mode and content are the containers'.
Status PodFolder::make_scratch(const std::string& path, const VolumeSetup& volume,
                               std::optional<int64_t> group) const {
  const std::string parent = path.substr(0, path.rfind('/'));
  if (volume.in_memory) {
    if (Status status = make_directories(path); !status.ok()) return status;
    const Result<bool> there = mounted(path);
    if (!there.ok()) return there.error();
    if (*there) return {};
    return mount_tmpfs(
        path, {.mode = scratch_mode(group), .group = group, .size_max = volume.size_max});
  }
  if (exists(path)) return {};
  if (Status status = make_directories(parent); !status.ok()) return status;
  // Under another name until it is as it should be.
  std::string making = parent + "/..new-XXXXXX";
  if (mkdtemp(making.data()) == nullptr) return last_error("cannot make directory", making);
  if ((group && chown(making.c_str(), 0, static_cast<gid_t>(*group)) != 0) ||
      chmod(making.c_str(), scratch_mode(group)) != 0 ||
      rename(making.c_str(), path.c_str()) != 0) {
    const Error error = last_error("cannot make directory", path);
    rmdir(making.c_str());  // it is tried again, under another name
    return error;
  }
  return {};
}

Status PodFolder::make_files(const std::string& path, const VolumeSetup& volume,
                             std::optional<int64_t> group) const {
  if (Status status = make_directories(path); !status.ok()) return status;
  if (volume.in_memory) {
    const Result<bool> there = mounted(path);
    if (!there.ok()) return there.error();
    if (!*there) {
      Status status = mount_tmpfs(path, {.mode = group ? 02775U : 0755U, .group = group});
      if (!status.ok()) return status;
    }
  } else {
    if (group && chown(path.c_str(), 0, static_cast<gid_t>(*group)) != 0) {
      return last_error("cannot give away", path);
    }
    if (chmod(path.c_str(), group ? 02775 : 0755) != 0) {
      return last_error("cannot set the mode of", path);
    }
  }
  return write_files(path, volume.files, group);
}

Result<std::vector<std::string>> PodFolder::locate(const std::string& container,
                                                   const std::vector<VolumePart>& parts) const {
  if (!plain_name(container)) return {Code::invalid, "this is no name for a container"};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!plain_name(parts[i].place.name) || !plain_name(parts[i].place.plugin)) {
      return {Code::invalid, "this is no name for a volume"};
    }
    if (parts[i].sub_path.empty()) {
      out.push_back(path_of(parts[i].place));
      continue;
    }
    const std::string target = path_ + "/volume-subpaths/" + parts[i].place.name + "/" + container +
                               "/" + std::to_string(i);
    Result<std::string> bound = bind_part(parts[i], target);
    if (!bound.ok()) {
      return {bound.code(), "failed to prepare subPath \"" + parts[i].sub_path +
                                "\" of volume \"" + parts[i].place.name +
                                "\": " + bound.error().message};
    }
    out.push_back(std::move(*bound));
  }
  return out;
}

// The runtime is handed a mount of what was opened, not a path: between a check and the use of a
// path a container could put a link in its way (CVE-2017-1002101, CVE-2021-25741).
Result<std::string> PodFolder::bind_part(const VolumePart& part, const std::string& target) const {
  const std::string volume = path_of(part.place);
  const Fd base(open(volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!base) return last_error("cannot open", volume);
  Fd found = open_below(base.get(), part.sub_path, O_PATH);
  if (!found && errno == ENOENT) {
    if (Status status = make_below(base.get(), part.sub_path); !status.ok()) return status.error();
    found = open_below(base.get(), part.sub_path, O_PATH);
  }
  if (!found) {
    const bool outside = errno == EXDEV || errno == ELOOP;
    Error error = last_error("cannot open", part.sub_path);
    if (outside) error = {Code::invalid, "it leads out of the volume"};
    return error;
  }
  struct stat info {};
  if (fstat(found.get(), &info) != 0) return last_error("cannot look at", part.sub_path);
  // What an earlier instance of the container saw.
  if (Status status = unmount_below(target); !status.ok()) return status.error();
  if (Status status = remove_tree(target); !status.ok()) return status.error();
  const std::string parent = target.substr(0, target.rfind('/'));
  if (Status status = make_directories(parent); !status.ok()) return status.error();
  if (S_ISDIR(info.st_mode)) {
    if (mkdir(target.c_str(), 0755) != 0) return last_error("cannot make", target);
  } else if (Status status = write_file(target, "", 0644, 0, 0); !status.ok()) {
    return status.error();
  }
  if (Status status = bind_mount(found.get(), target); !status.ok()) return status.error();
  return target;
}

Status PodFolder::tear_down(bool all) const {
  if (!exists(path_)) return {};
  const std::vector<std::string> folders =
      all ? std::vector<std::string>{path_}
          : std::vector<std::string>{path_ + "/volume-subpaths", path_ + "/volumes"};
  for (const std::string& folder : folders) {
    if (Status status = unmount_below(folder); !status.ok()) return status;
    if (Status status = remove_tree(folder); !status.ok()) return status;
  }
  if (!all) rmdir(path_.c_str());  // stays if the runtime has something in it
  return {};
}

std::vector<agent::VolumeUsage> PodFolder::usage() const {
  std::vector<agent::VolumeUsage> out;
  const std::string folder = path_ + "/volumes/" + kScratchFolder;
  for (const std::string& name : plain_names_in(folder)) {
    if (name.starts_with("..")) continue;
    const std::string path = folder + "/" + name;
    struct statfs system {};
    constexpr long kTmpfsMagic = 0x01021994;
    if (statfs(path.c_str(), &system) == 0 && system.f_type == kTmpfsMagic) {
      const Result<bool> own = mounted(path);
      if (own.ok() && *own) {
        out.push_back({.name = name,
                       .used_bytes = (system.f_blocks - system.f_bfree) *
                                     static_cast<uint64_t>(system.f_bsize),
                       .used_inodes = system.f_files - system.f_ffree,
                       .in_memory = true});
        continue;
      }
    }
    const TreeUsage used = usage_of(path);
    out.push_back({.name = name, .used_bytes = used.bytes, .used_inodes = used.inodes});
  }
  return out;
}

}  // namespace keelson::volumes
