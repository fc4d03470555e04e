// A map from strings that forgets its least recently used entry when it is full.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/assert.hpp"
#include "core/base/hash.hpp"

namespace keelson::client {

template <class Value>
class LruMap {
 public:
  explicit LruMap(std::size_t size_max) : size_max_(size_max) { KEELSON_ASSERT(size_max > 0); }

  // The value of the key, made by default if there was none. Valid until the next call.
  Value& operator[](const std::string& key) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return entries_.front().second;
    }
    if (entries_.size() == size_max_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, Value{});
    index_.emplace(entries_.front().first, entries_.begin());
    return entries_.front().second;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Hash {
    std::size_t operator()(std::string_view text) const { return hash_u64(hash_bytes(text)); }
  };
  using Entries = std::list<std::pair<const std::string, Value>>;
  std::size_t size_max_;
  Entries entries_;  // most recently used first
  boost::unordered_flat_map<std::string_view, typename Entries::iterator, Hash> index_;
};

}  // namespace keelson::client
