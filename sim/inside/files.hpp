// The files of one simulated container, in memory. Small: they are there so that `kubectl cp` and a
// shell have something to show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace keelson::sim {

// One thing that was done to the files.
struct FileChange {
  enum class What : uint8_t { write, make_directory, remove } what{};
  std::string path;
  std::string content;
};

class ContainerFiles {
 public:
  static constexpr std::size_t kBytesMax = 8 << 20;  // of all files together
  static constexpr std::size_t kFilesMax = 2048;

  ContainerFiles();

  // Paths are absolute and normalized: see absolute().
  static std::string absolute(std::string_view directory, std::string_view path);

  const std::string* read(const std::string& path) const;
  bool is_directory(const std::string& path) const;
  bool exists(const std::string& path) const { return read(path) != nullptr || is_directory(path); }
  // False: no room, or a directory is there. Directories on the way are made.
  bool write(const std::string& path, std::string content);
  bool make_directory(const std::string& path);
  // A file, or a directory with all that is in it.
  void remove(const std::string& path);
  // From now on nothing can be written but in /dev and below these paths.
  void make_read_only(std::vector<std::string> but);
  bool may_write(const std::string& path) const;
  // Does again what was done elsewhere.
  void apply(const FileChange& change);
  // Hears of every change from now on.
  void observe(std::function<void(const FileChange&)> hear) { hear_ = std::move(hear); }
  // Names in a directory, sorted.
  std::vector<std::string> list(const std::string& path) const;
  // Files at and below a path.
  std::vector<std::string> below(const std::string& path) const;

 private:
  std::map<std::string, std::string> files_;
  std::set<std::string> directories_;
  std::size_t bytes_ = 0;
  bool read_only_ = false;
  std::vector<std::string> writable_;
  std::function<void(const FileChange&)> hear_;
};

}  // namespace keelson::sim
