// Reads scenario files: a YAML node with its place, so that each complaint names file, line and field,
// and so that a misspelt field is refused instead of ignored.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/duration_text.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace keelson::sim {

using keelson::format_duration;
using keelson::parse_duration;
// "2%", "0.1%", "250ppm", "0" -> millionths.
Result<uint32_t> parse_ppm(std::string_view text);

// What a reading collects: the first errors, all with their places.
class ReadErrors {
 public:
  explicit ReadErrors(std::string file) : file_(std::move(file)) {}
  void add(const YAML::Node& at, const std::string& field, const std::string& what);
  bool empty() const { return messages_.empty(); }
  const std::string& file() const { return file_; }
  Error error() const;  // all of them, one per line

 private:
  std::string file_;
  std::vector<std::string> messages_;
};

// A mapping. Every field must be asked for before done() is called, else it counts as unknown.
class MapReader {
 public:
  MapReader(YAML::Node node, std::string path, ReadErrors& errors);

  bool has(const std::string& field) const;
  std::string path(const std::string& field) const;
  const YAML::Node& node() const { return node_; }
  YAML::Node raw(const std::string& field);

  std::string text(const std::string& field, std::string fallback = {});
  std::optional<std::string> maybe_text(const std::string& field);
  int64_t integer(const std::string& field, int64_t fallback, int64_t low, int64_t high);
  bool boolean(const std::string& field, bool fallback);
  Duration duration(const std::string& field, Duration fallback);
  uint32_t ppm(const std::string& field, uint32_t fallback);
  std::vector<std::string> texts(const std::string& field);  // a list, or one scalar
  void each(const std::string& field, const std::function<void(MapReader)>& visit);  // list of maps
  // Each entry of a mapping of mappings.
  void each_named(const std::string& field,
                  const std::function<void(const std::string&, MapReader)>& visit);
  std::vector<std::pair<std::string, std::string>> pairs(const std::string& field);
  std::optional<MapReader> map(const std::string& field);
  // Reports `what` about a field of this mapping.
  void fail(const std::string& field, const std::string& what);
  // The same about all of it.
  void fail_here(const std::string& what);
  // Refuses the fields nobody asked for.
  void done();

 private:
  YAML::Node find(const std::string& field);
  YAML::Node node_;
  std::string path_;
  ReadErrors* errors_;
  std::set<std::string> asked_;
};

}  // namespace keelson::sim
