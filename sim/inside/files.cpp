#include "sim/inside/files.hpp"

#include <algorithm>

namespace keelson::sim {

namespace {

std::string parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string inside(const std::string& directory) {
  return directory == "/" ? directory : directory + "/";
}

}  // namespace

ContainerFiles::ContainerFiles() {
  for (const char* path : {"/", "/bin", "/dev", "/etc", "/home", "/proc", "/root", "/sys", "/tmp",
                           "/usr", "/usr/bin", "/var", "/var/log"}) {
    directories_.insert(path);
  }
}

std::string ContainerFiles::absolute(std::string_view directory, std::string_view path) {
  std::string whole = path.starts_with('/') ? std::string() : std::string(directory);
  whole += '/';
  whole += path;
  std::vector<std::string_view> parts;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : parts) out += '/' + std::string(part);
  return out.empty() ? "/" : out;
}

const std::string* ContainerFiles::read(const std::string& path) const {
  const auto it = files_.find(path);
  return it == files_.end() ? nullptr : &it->second;
}

bool ContainerFiles::is_directory(const std::string& path) const { return directories_.contains(path); }

bool ContainerFiles::write(const std::string& path, std::string content) {
  if (!may_write(path) || is_directory(path) || !make_directory(parent(path))) {
    return false;
  }
  const auto it = files_.find(path);
  const std::size_t before = it == files_.end() ? 0 : it->second.size();
  if (bytes_ - before + content.size() > kBytesMax) return false;
  if (it == files_.end() && files_.size() >= kFilesMax) return false;
  bytes_ += content.size() - before;
  if (hear_) hear_({FileChange::What::write, path, content});
  files_[path] = std::move(content);
  return true;
}

bool ContainerFiles::make_directory(const std::string& path) {
  if (directories_.contains(path)) return true;
  if (files_.contains(path) || directories_.size() >= kFilesMax || !may_write(path)) return false;
  if (!make_directory(parent(path))) return false;
  directories_.insert(path);
  if (hear_) hear_({FileChange::What::make_directory, path, {}});
  return true;
}

void ContainerFiles::remove(const std::string& path) {
  if (!may_write(path)) return;
  if (hear_) hear_({FileChange::What::remove, path, {}});
  for (const std::string& file : below(path)) {
    bytes_ -= files_[file].size();
    files_.erase(file);
  }
  std::erase_if(directories_, [&](const std::string& directory) {
    return directory != "/" && (directory == path || directory.starts_with(inside(path)));
  });
}

void ContainerFiles::make_read_only(std::vector<std::string> but) {
  for (const std::string& path : but) make_directory(path);
  writable_ = std::move(but);
  read_only_ = true;
}

bool ContainerFiles::may_write(const std::string& path) const {
  if (!read_only_ || path.starts_with("/dev/")) return true;
  return std::any_of(writable_.begin(), writable_.end(), [&](const std::string& root) {
    return path == root || path.starts_with(inside(root));
  });
}

void ContainerFiles::apply(const FileChange& change) {
  switch (change.what) {
    case FileChange::What::write: write(change.path, change.content); break;
    case FileChange::What::make_directory: make_directory(change.path); break;
    case FileChange::What::remove: remove(change.path); break;
  }
}

std::vector<std::string> ContainerFiles::list(const std::string& path) const {
  std::set<std::string> names;
  const auto add = [&](const std::string& other) {
    if (other != "/" && parent(other) == path) names.insert(other.substr(other.rfind('/') + 1));
  };
  for (const auto& [file, content] : files_) add(file);
  for (const std::string& directory : directories_) add(directory);
  return {names.begin(), names.end()};
}

std::vector<std::string> ContainerFiles::below(const std::string& path) const {
  std::vector<std::string> found;
  for (const auto& [file, content] : files_) {
    if (file == path || file.starts_with(inside(path))) found.push_back(file);
  }
  return found;
}

}  // namespace keelson::sim
