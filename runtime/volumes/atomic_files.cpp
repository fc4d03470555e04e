#include "runtime/volumes/atomic_files.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "runtime/volumes/files.hpp"

namespace keelson::volumes {

namespace {

constexpr const char* kData = "..data";
constexpr const char* kNewData = "..data_tmp";

// Nothing empty, "." or "..": what is written is found again under the same path.
bool plain(const std::string& path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return path.find('\0') == path.npos;
}

Status check(const std::vector<agent::VolumeFile>& files) {
  std::set<std::string_view> paths;
  for (const agent::VolumeFile& file : files) paths.insert(file.path);
  for (const agent::VolumeFile& file : files) {
    const std::string& path = file.path;
    if (!plain(path)) return {Code::invalid, "a file cannot have the path \"" + path + "\""};
    // Names that begin so are ours.
    if (path.starts_with("..")) {
      return {Code::invalid, "a file may not begin with \"..\": " + path};
    }
    for (std::size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1)) {
      if (!paths.contains(std::string_view(path).substr(0, at))) continue;
      return {Code::invalid, path.substr(0, at) + " cannot be a file and the folder of " + path};
    }
  }
  return {};
}

// The part of a path that users see at the top.
std::string top_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), &closedir);
  while (const dirent* entry = dir ? readdir(dir.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string link_target(const std::string& path) {
  char buffer[4096];
  const ssize_t size = readlink(path.c_str(), buffer, sizeof buffer);
  return size < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(size));
}

class Writer {
 public:
  Writer(const std::string& directory, const std::vector<agent::VolumeFile>& files,
         std::optional<int64_t> group)
      : directory_(directory), files_(files), group_(group) {}

  Status run() {
    const std::string old = link_target(at(kData));
    // First: what attempts that were cut off have left could be what there is no room for.
    if (Status swept = sweep(old); !swept.ok()) return swept;
    if (!old.empty() && holds_the_same(old)) return link_all();
    Status status = write_new();
    if (status.ok()) status = swap();
    if (!status.ok()) {
      // It is tried again and again, and each time would leave a copy, in memory for a Secret.
      if (!new_.empty()) (void)remove_tree(at(new_));
      return status;
    }
    if (status = link_all(); !status.ok()) return status;
    return sweep(new_);
  }

 private:
  std::string at(const std::string& name) const { return directory_ + "/" + name; }

  // Removes all versions but one.
  Status sweep(const std::string& kept) const {
    for (const std::string& name : names_in(directory_)) {
      if (!name.starts_with("..2") || name == kept) continue;
      if (Status removed = remove_tree(at(name)); !removed.ok()) return removed;
    }
    return {};
  }

  uint32_t mode_of(const agent::VolumeFile& file) const {
    return file.mode | (group_ ? 0440U : 0U);
  }

  void collect(const std::string& below, const std::string& prefix,
               std::map<std::string, std::string>& out) const {
    for (const std::string& name : names_in(below)) {
      struct stat info {};
      const std::string path = below + "/" + name;
      if (lstat(path.c_str(), &info) != 0) continue;
      if (S_ISDIR(info.st_mode)) {
        collect(path, prefix + name + "/", out);
      } else {
        out[prefix + name] = path;
      }
    }
  }

  bool holds_the_same(const std::string& old) const {
    std::map<std::string, std::string> there;
    collect(at(old), "", there);
    if (there.size() != files_.size()) return false;
    for (const agent::VolumeFile& file : files_) {
      const auto found = there.find(file.path);
      struct stat info {};
      if (found == there.end() || stat(found->second.c_str(), &info) != 0) return false;
      if ((info.st_mode & 07777) != mode_of(file)) return false;
      if (file.owner && info.st_uid != static_cast<uid_t>(*file.owner)) return false;
      const Result<std::string> content = read_file(found->second);
      if (!content.ok() || *content != file.content) return false;
    }
    return true;
  }

  Status write_new() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char stamp[64];
    std::strftime(stamp, sizeof stamp, "..%Y_%m_%d_%H_%M_%S.XXXXXX", &parts);
    std::string path = at(stamp);
    if (mkdtemp(path.data()) == nullptr) return last_error("cannot make directory", path);
    new_ = path.substr(directory_.size() + 1);
    if (Status status = open_up(path); !status.ok()) return status;
    std::set<std::string> made;
    for (const agent::VolumeFile& file : files_) {
      for (std::size_t slash = file.path.find('/'); slash != file.path.npos;
           slash = file.path.find('/', slash + 1)) {
        const std::string folder = path + "/" + file.path.substr(0, slash);
        if (!made.insert(folder).second) continue;
        if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
          return last_error("cannot make directory", folder);
        }
        if (Status status = open_up(folder); !status.ok()) return status;
      }
      Status status = write_file(path + "/" + file.path, file.content, mode_of(file),
                                 static_cast<uid_t>(file.owner.value_or(0)),
                                 static_cast<gid_t>(group_.value_or(0)));
      if (!status.ok()) return status;
    }
    return {};
  }

  Status open_up(const std::string& folder) const {
    if (group_ && chown(folder.c_str(), 0, static_cast<gid_t>(*group_)) != 0) {
      return last_error("cannot give away", folder);
    }
    if (chmod(folder.c_str(), group_ ? 02775 : 0755) != 0) {
      return last_error("cannot set the mode of", folder);
    }
    return {};
  }

  Status swap() const {
    unlink(at(kNewData).c_str());
    if (symlink(new_.c_str(), at(kNewData).c_str()) != 0 ||
        rename(at(kNewData).c_str(), at(kData).c_str()) != 0) {
      return last_error("cannot swap", at(kData));
    }
    return {};
  }

  // Links for what is there now, none for what is not.
  Status link_all() const {
    std::set<std::string> wanted;
    for (const agent::VolumeFile& file : files_) wanted.insert(top_of(file.path));
    for (const std::string& name : names_in(directory_)) {
      if (name.starts_with("..") || wanted.contains(name)) continue;
      if (!link_target(at(name)).empty()) unlink(at(name).c_str());
    }
    for (const std::string& name : wanted) {
      const std::string target = std::string(kData) + "/" + name;
      if (link_target(at(name)) == target) continue;
      unlink(at(name).c_str());
      // An empty folder was made for a sub-path that was not there yet.
      rmdir(at(name).c_str());
      if (symlink(target.c_str(), at(name).c_str()) != 0) {
        return last_error("cannot link", at(name));
      }
    }
    return {};
  }

  const std::string& directory_;
  const std::vector<agent::VolumeFile>& files_;
  std::optional<int64_t> group_;
  std::string new_;
};

}  // namespace

Status write_files(const std::string& directory, const std::vector<agent::VolumeFile>& files,
                   std::optional<int64_t> group) {
  if (Status status = check(files); !status.ok()) return status;
  return Writer(directory, files, group).run();
}

}  // namespace keelson::volumes
