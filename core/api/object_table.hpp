// The objects of one kind (or of any set without two of one namespace and name): ordered by namespace
// and name for lists, hashed for look-ups. An ordered map alone costs twenty string comparisons, each
// a cache miss, to find one of a million objects.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/api/object.hpp"

namespace keelson::api {

// Namespace and name, in the order in which lists are sorted.
struct Name {
  std::string ns, name;
  friend auto operator<=>(const Name&, const Name&) = default;
};
struct NameRef {
  std::string_view ns, name;
  friend auto operator<=>(const NameRef&, const NameRef&) = default;
};
inline NameRef name_of(const Object& object) { return {object.ns(), object.name()}; }

struct NameLess {
  using is_transparent = void;
  static NameRef ref(const Name& n) { return {n.ns, n.name}; }
  static NameRef ref(const NameRef& n) { return n; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return ref(a) < ref(b);
  }
};
struct NameHash {
  std::size_t operator()(const NameRef& n) const {
    return hash_u64(hash_bytes(n.name, hash_bytes(n.ns)));
  }
};
using ObjectMap = std::map<Name, ObjectPtr, NameLess>;

class ObjectTable {
 public:
  ObjectTable() = default;
  ObjectTable(ObjectTable&&) = default;
  ObjectTable& operator=(ObjectTable&&) = default;

  // The place of the object, or null. The pointer stays valid until the object is erased.
  const ObjectPtr* find(NameRef name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &found->second->second;
  }
  ObjectPtr get(NameRef name) const {
    const ObjectPtr* found = find(name);
    return found ? *found : nullptr;
  }
  // Inserts or replaces, and returns what was there before.
  ObjectPtr set(ObjectPtr object) {
    const NameRef name = name_of(*object);
    const auto found = index_.find(name);
    if (found != index_.end()) return std::exchange(found->second->second, std::move(object));
    Name key{std::string(name.ns), std::string(name.name)};
    const auto at = objects_.emplace(std::move(key), std::move(object)).first;
    index_.emplace(NameLess::ref(at->first), at);
    return nullptr;
  }
  // Returns what was there, or null.
  ObjectPtr erase(NameRef name) {
    const auto found = index_.find(name);
    if (found == index_.end()) return nullptr;
    const ObjectMap::iterator at = found->second;
    ObjectPtr before = std::move(at->second);
    index_.erase(found);  // first: its key points into the ordered map
    objects_.erase(at);
    return before;
  }
  void clear() {
    index_.clear();
    objects_.clear();
  }

  const ObjectMap& ordered() const { return objects_; }
  // Those of one namespace.
  struct Range {
    ObjectMap::const_iterator first, last;
    auto begin() const { return first; }
    auto end() const { return last; }
  };
  Range in(const std::string& ns) const {
    return {objects_.lower_bound(NameRef{ns, ""}), objects_.lower_bound(NameRef{ns + '\0', ""})};
  }
  auto begin() const { return objects_.begin(); }
  auto end() const { return objects_.end(); }
  std::size_t size() const { return objects_.size(); }
  bool empty() const { return objects_.empty(); }

 private:
  ObjectMap objects_;
  boost::unordered_flat_map<NameRef, ObjectMap::iterator, NameHash> index_;
};

}  // namespace keelson::api
