// Small integers for the strings that scheduling compares: label keys and values, taints, node,
// image and resource names. Equal strings have equal numbers. Numbers follow the order of first
// use, so they are the same in every run of the same history; nothing may be ordered by them that a
// user sees.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/base/hash.hpp"

namespace keelson::scheduler {

using NameId = uint32_t;  // 0: the empty string

// Resources are counted in int64: cpu in milli, everything else in its unit.
using ResourceId = uint32_t;
inline constexpr ResourceId kCpu = 0;
inline constexpr ResourceId kMemory = 1;
inline constexpr ResourceId kEphemeralStorage = 2;
inline constexpr ResourceId kPods = 3;
inline constexpr ResourceId kFirstExtended = 4;

class Vocabulary {
 public:
  Vocabulary();
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  NameId id(std::string_view text);
  // 0 if it was never used.
  NameId find(std::string_view text) const;
  // The number of a label's value: never 0, so that 0 can mean that the label is absent. An empty
  // value gets the number of a string that no label can have.
  NameId label_value(std::string_view text) { return id(text.empty() ? "\n" : text); }
  const std::string& text(NameId id) const { return texts_[id]; }

  ResourceId resource(std::string_view name);
  const std::string& resource_name(ResourceId id) const { return resources_[id]; }
  std::size_t resource_count() const { return resources_.size(); }

 private:
  struct Hash {
    std::size_t operator()(std::string_view text) const { return hash_u64(hash_bytes(text)); }
  };
  std::deque<std::string> texts_;  // a deque: the views in index_ stay valid
  boost::unordered_flat_map<std::string_view, NameId, Hash> index_;
  std::vector<std::string> resources_;
  boost::unordered_flat_map<NameId, ResourceId> further_resources_;  // all but the first few
};

}  // namespace keelson::scheduler
