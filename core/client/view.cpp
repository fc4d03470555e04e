#include "core/client/view.hpp"

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <compare>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace keelson::client {
namespace {

// One cached object. Its address and key are stable while the object changes, so that indexes need
// no touch unless what they index by changes, which for most updates (status) it does not.
using Entry = std::pair<const api::ObjectKey, api::ObjectPtr>;
struct ByKey {
  bool operator()(const Entry* a, const Entry* b) const { return a->first < b->first; }
};
using EntrySet = std::set<const Entry*, ByKey>;

struct StringHash {
  std::size_t operator()(const std::string& text) const { return hash_u64(hash_bytes(text)); }
};
// Finds entries without building an ObjectKey.
struct KeyView {
  api::Kind kind{};
  std::string_view ns, name;
  friend bool operator==(const KeyView&, const KeyView&) = default;
};
KeyView view_of(const api::ObjectKey& key) {
  return {key.kind, key.ns, key.name};
}
struct EntryHash {
  using is_transparent = void;
  std::size_t operator()(const KeyView& key) const {
    return hash_u64(hash_bytes(key.name, hash_bytes(key.ns, static_cast<uint64_t>(key.kind) + 1)));
  }
  std::size_t operator()(const Entry* entry) const { return (*this)(view_of(entry->first)); }
};
struct EntryEqual {
  using is_transparent = void;
  bool operator()(const Entry* a, const Entry* b) const { return a == b; }
  bool operator()(const KeyView& a, const Entry* b) const { return a == view_of(b->first); }
  bool operator()(const Entry* a, const KeyView& b) const { return b == view_of(a->first); }
};

class Index {
 public:
  void insert(const std::string& value, const Entry* entry) { sets_[value].insert(entry); }
  void erase(const std::string& value, const Entry* entry) {
    const auto found = sets_.find(value);
    if (found == sets_.end()) return;
    found->second.erase(entry);
    if (found->second.empty()) sets_.erase(found);
  }
  const EntrySet* find(const std::string& value) const {
    const auto found = sets_.find(value);
    return found == sets_.end() ? nullptr : &found->second;
  }

 private:
  boost::unordered_flat_map<std::string, EntrySet, StringHash> sets_;
};

// The kinds that controllers select by label on every reconcile.
bool indexed_by_label(api::Kind kind) {
  return kind == api::Kind::pods || kind == api::Kind::replica_sets ||
         kind == api::Kind::endpoint_slices;
}

// Names come from users, but none of the parts can contain a zero byte.
std::string label_term(api::Kind kind, const std::string& ns, const std::string& key,
                       const std::string& value) {
  std::string term;
  term.reserve(ns.size() + key.size() + value.size() + 3);
  term += static_cast<char>(kind);
  term += ns;
  term += '\0';
  term += key;
  term += '\0';
  term += value;
  return term;
}

bool same_labels(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  if (a.labels_size() != b.labels_size()) return false;
  return std::all_of(a.labels().begin(), a.labels().end(), [&](const auto& label) {
    const auto found = b.labels().find(label.first);
    return found != b.labels().end() && found->second == label.second;
  });
}

bool same_owners(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  return std::equal(a.owner_references().begin(), a.owner_references().end(),
                    b.owner_references().begin(), b.owner_references().end(),
                    [](const auto& x, const auto& y) {
                      return x.uid() == y.uid() && x.controller() == y.controller();
                    });
}

const std::string* node_of(const api::Object& object) {
  return object.kind() == api::Kind::pods ? &object.as<api::Pod>().spec().node_name() : nullptr;
}

bool controlled(const api::Object& object) {
  const auto& owners = object.meta().owner_references();
  return std::any_of(owners.begin(), owners.end(), [](const auto& o) { return o.controller(); });
}

// Under which the objects of a kind and namespace that nobody controls are filed.
std::string orphan_term(api::Kind kind, const std::string& ns) {
  return static_cast<char>(kind) + ns;
}

bool controlled_by(const api::Object& object, const std::string& uid) {
  for (const auto& owner : object.meta().owner_references()) {
    if (owner.controller() && owner.uid() == uid) return true;
  }
  return false;
}

}  // namespace

struct Cache::Impl {
  using Objects = std::map<api::ObjectKey, api::ObjectPtr>;

  std::array<Objects, api::kind_count> objects;
  std::array<api::Revision, api::kind_count> revisions{};
  boost::unordered_flat_set<Entry*, EntryHash, EntryEqual> lookup;
  Index owners, orphans, nodes, labels;

  Objects& of(api::Kind kind) { return objects[static_cast<std::size_t>(kind)]; }
  const Objects& of(api::Kind kind) const { return objects[static_cast<std::size_t>(kind)]; }

  void change_labels(const Entry* entry, const api::Object& object, bool insert) {
    if (!indexed_by_label(object.kind())) return;
    // The order in which a protobuf map is visited does not show: sets are filled, nothing else.
    for (const auto& [key, value] : object.meta().labels()) {
      const std::string term = label_term(object.kind(), object.ns(), key, value);
      insert ? labels.insert(term, entry) : labels.erase(term, entry);
    }
  }
  void change_owners(const Entry* entry, const api::Object& object, bool insert) {
    for (const auto& owner : object.meta().owner_references()) {
      insert ? owners.insert(owner.uid(), entry) : owners.erase(owner.uid(), entry);
    }
    if (!indexed_by_label(object.kind()) || controlled(object)) return;
    const std::string term = orphan_term(object.kind(), object.ns());
    insert ? orphans.insert(term, entry) : orphans.erase(term, entry);
  }
  void change_node(const Entry* entry, const api::Object& object, bool insert) {
    const std::string* node = node_of(object);
    if (node) insert ? nodes.insert(*node, entry) : nodes.erase(*node, entry);
  }
  void index(const Entry* entry, const api::Object& object, bool insert) {
    change_labels(entry, object, insert);
    change_owners(entry, object, insert);
    change_node(entry, object, insert);
  }

  void add(const api::ObjectPtr& object) {
    Entry& entry = *of(object->kind()).emplace(object->key(), object).first;
    lookup.insert(&entry);
    index(&entry, *object, true);
  }
  void replace(Entry& entry, const api::ObjectPtr& object) {
    const api::ObjectPtr before = std::exchange(entry.second, object);
    if (!same_labels(before->meta(), object->meta())) {
      change_labels(&entry, *before, false);
      change_labels(&entry, *object, true);
    }
    if (!same_owners(before->meta(), object->meta())) {
      change_owners(&entry, *before, false);
      change_owners(&entry, *object, true);
    }
    const std::string* old_node = node_of(*before);
    if (old_node && *old_node != *node_of(*object)) {
      change_node(&entry, *before, false);
      change_node(&entry, *object, true);
    }
  }
  void remove(Entry& entry) {
    index(&entry, *entry.second, false);
    lookup.erase(&entry);
    Objects& objects_of_kind = of(entry.first.kind);
    objects_of_kind.erase(objects_of_kind.find(entry.first));
  }

  // The smallest indexed set that holds everything in a namespace that the selector matches.
  struct Candidates {
    bool indexed = false;          // false: no index helps
    const EntrySet* set = nullptr;  // null: nothing matches
  };
  Candidates candidates(api::Kind kind, const std::string& ns,
                        const api::LabelSelectorMatcher& selector) const {
    Candidates best;
    if (ns.empty() || !indexed_by_label(kind)) return best;
    for (const auto& requirement : selector.requirements()) {
      if (requirement.op != api::LabelSelectorMatcher::Op::in || requirement.values.size() != 1) {
        continue;
      }
      const EntrySet* set =
          labels.find(label_term(kind, ns, requirement.key, requirement.values.front()));
      if (!set) return {true, nullptr};
      if (!best.set || set->size() < best.set->size()) best = {true, set};
    }
    return best;
  }

  template <class Keep>
  static std::vector<api::ObjectPtr> copy(const EntrySet* set, const Keep& keep) {
    std::vector<api::ObjectPtr> found;
    if (!set) return found;
    found.reserve(set->size());
    for (const Entry* entry : *set) {
      if (keep(*entry->second)) found.push_back(entry->second);
    }
    return found;
  }
};

Cache::Cache() : impl_(std::make_unique<Impl>()) {}
Cache::~Cache() = default;

void Cache::apply(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  KEELSON_ASSERT(before || after);
  const api::Object& object = after ? *after : *before;
  const auto found = impl_->lookup.find(KeyView{object.kind(), object.ns(), object.name()});
  if (found == impl_->lookup.end()) {
    if (after) impl_->add(after);
    return;
  }
  if (after) {
    impl_->replace(**found, after);
  } else {
    impl_->remove(**found);
  }
}

void Cache::advance(api::Kind kind, api::Revision revision) {
  api::Revision& mine = impl_->revisions[static_cast<std::size_t>(kind)];
  mine = std::max(mine, revision);
}

api::Revision Cache::revision(api::Kind kind) const {
  return impl_->revisions[static_cast<std::size_t>(kind)];
}

api::ObjectPtr Cache::get(api::Kind kind, const std::string& ns, const std::string& name) const {
  const auto found = impl_->lookup.find(KeyView{kind, ns, name});
  return found == impl_->lookup.end() ? nullptr : (*found)->second;
}

void Cache::visit(api::Kind kind, const std::string& ns,
                  const std::function<bool(const api::ObjectPtr&)>& visit) const {
  const Impl::Objects& objects = impl_->of(kind);
  for (auto at = objects.lower_bound({kind, ns, ""}); at != objects.end(); ++at) {
    if (!ns.empty() && at->first.ns != ns) return;
    if (!visit(at->second)) return;
  }
}

std::vector<api::ObjectPtr> Cache::list(api::Kind kind, const std::string& ns) const {
  std::vector<api::ObjectPtr> found;
  if (ns.empty()) found.reserve(size(kind));
  visit(kind, ns, [&](const api::ObjectPtr& object) {
    found.push_back(object);
    return true;
  });
  return found;
}

std::vector<api::ObjectPtr> Cache::owned_by(api::Kind kind, const std::string& owner_uid) const {
  // Reached through all references, since an owner that does not control is rare.
  return Impl::copy(impl_->owners.find(owner_uid), [&](const api::Object& object) {
    return object.kind() == kind && controlled_by(object, owner_uid);
  });
}

std::vector<api::ObjectPtr> Cache::dependents(const std::string& owner_uid) const {
  return Impl::copy(impl_->owners.find(owner_uid), [](const api::Object&) { return true; });
}

std::vector<api::ObjectPtr> Cache::pods_on(const std::string& node) const {
  return Impl::copy(impl_->nodes.find(node), [](const api::Object&) { return true; });
}

std::vector<api::ObjectPtr> Cache::select(api::Kind kind, const std::string& ns,
                                          const api::LabelSelectorMatcher& selector) const {
  if (selector.matches_nothing()) return {};
  const auto matches = [&](const api::Object& object) {
    return selector.matches(object.meta().labels());
  };
  const auto [indexed, rarest] = impl_->candidates(kind, ns, selector);
  if (indexed) return Impl::copy(rarest, matches);
  std::vector<api::ObjectPtr> found;
  visit(kind, ns, [&](const api::ObjectPtr& object) {
    if (matches(*object)) found.push_back(object);
    return true;
  });
  return found;
}

std::vector<api::ObjectPtr> Cache::select_orphans(
    api::Kind kind, const std::string& ns, const api::LabelSelectorMatcher& selector) const {
  KEELSON_ASSERT(indexed_by_label(kind) && !ns.empty());
  if (selector.matches_nothing()) return {};
  const EntrySet* orphans = impl_->orphans.find(orphan_term(kind, ns));
  const auto [indexed, rarest] = impl_->candidates(kind, ns, selector);
  // Whichever is smaller: pods that users make one by one may be many, too.
  const bool by_label = indexed && (!rarest || !orphans || rarest->size() < orphans->size());
  return Impl::copy(by_label ? rarest : orphans, [&](const api::Object& object) {
    return !controlled(object) && selector.matches(object.meta().labels());
  });
}

std::size_t Cache::size(api::Kind kind) const {
  return impl_->of(kind).size();
}

}  // namespace keelson::client
