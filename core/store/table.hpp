// The current objects of one kind: ordered by namespace and name for lists, hashed for lookups.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/store/history.hpp"

namespace keelson::store {

struct NameKey {
  std::string ns, name;
  friend auto operator<=>(const NameKey&, const NameKey&) = default;
};

struct History::Table {
  using Objects = std::map<NameKey, ObjectPtr>;

  // The place of the object, or null. The pointer stays valid until the object is erased.
  const ObjectPtr* find(const std::string& ns, const std::string& name) const {
    const auto found = index_.find(NameView{ns, name});
    return found == index_.end() ? nullptr : &found->second->second;
  }
  // Inserts or replaces, and returns what was there before.
  ObjectPtr set(const std::string& ns, const std::string& name, ObjectPtr object) {
    const auto found = index_.find(NameView{ns, name});
    if (found != index_.end()) return std::exchange(found->second->second, std::move(object));
    const auto at = objects_.emplace(NameKey{ns, name}, std::move(object)).first;
    index_.emplace(NameView{at->first.ns, at->first.name}, at);
    return nullptr;
  }
  ObjectPtr erase(const std::string& ns, const std::string& name) {
    const auto found = index_.find(NameView{ns, name});
    if (found == index_.end()) return nullptr;
    const Objects::iterator at = found->second;
    ObjectPtr before = std::move(at->second);
    index_.erase(found);  // first: its key points into the ordered map
    objects_.erase(at);
    return before;
  }
  const Objects& objects() const { return objects_; }

 private:
  struct NameView {
    std::string_view ns, name;
    friend bool operator==(const NameView&, const NameView&) = default;
  };
  struct NameHash {
    std::size_t operator()(const NameView& key) const {
      return hash_u64(hash_bytes(key.name, hash_bytes(key.ns)));
    }
  };
  Objects objects_;
  boost::unordered_flat_map<NameView, Objects::iterator, NameHash> index_;
};

}  // namespace keelson::store
