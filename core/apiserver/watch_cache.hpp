// The state of the cluster in memory, at one revision, with the recent history of each kind. Fed in
// revision order by the store's watch; everything that is read, validated or watched comes from
// here.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <span>

#include "core/api/object_table.hpp"
#include "core/apiserver/common.hpp"
#include "core/apiserver/pipeline/claims.hpp"
#include "core/store/store.hpp"

namespace keelson::apiserver {

using api::Name;
using api::NameLess;
using api::NameRef;
using api::ObjectMap;

// One committed change. `after` null: removed at `revision`. `gone`: the last state at the revision
// of its removal, which is how clients see a deletion.
struct Change {
  Revision revision;
  ObjectPtr before, after;
  ObjectPtr gone() const { return before ? before->at(revision) : nullptr; }
  const Object& subject() const { return after ? *after : *before; }
};

struct PodOnNode {
  ObjectPtr pod;
  Claims claims;
};

class WatchCache {
 public:
  // Everything up to here is in.
  Revision revision() const { return revision_; }
  // All changes after this are in history().
  Revision floor() const { return floor_; }
  // The floor when everything was loaded: what is younger was seen to happen.
  Revision loaded_at() const { return loaded_at_; }

  ObjectPtr find(Kind kind, std::string_view ns, std::string_view name) const;
  ObjectPtr find(const ObjectKey& key) const { return find(key.kind, key.ns, key.name); }
  const ObjectMap& objects(Kind kind) const { return kinds_[index(kind)].objects.ordered(); }
  // Sorted by namespace and name; finished pods too.
  std::span<const PodOnNode> pods_on(const std::string& node) const;

  const std::deque<Change>& history(Kind kind) const { return kinds_[index(kind)].history; }
  // The first change of the kind after `after`, as an index into history(kind).
  std::size_t first_after(Kind kind, Revision after) const;
  // What differs between the state at `at` and now: name -> the object then (null: there was none).
  // REQUIRES: at >= floor().
  ObjectMap state_before(Kind kind, Revision at) const;

  // --- Feeding
  // ------------------------------------------------------------------------------------
  void clear();
  void load(const ObjectPtr& object);
  // After loading: the state is that of `revision`, history starts after `floor`.
  void loaded(Revision revision, Revision floor);
  // REQUIRES: in revision order. The change as it was applied.
  const Change& apply(const store::StoreEvent& event);
  // An event that the load had already seen: only the revision moves.
  void skip(Revision revision) { revision_ = revision; }
  // History from before floor(), in revision order, reaching back to `floor`.
  void prepend(std::span<const store::StoreEvent> events, Revision floor);
  void trim(Revision up_to);

 private:
  struct PerKind {
    api::ObjectTable objects;
    std::deque<Change> history;
  };
  static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }
  void index_pod(const ObjectPtr& before, const ObjectPtr& after);

  std::array<PerKind, api::kind_count> kinds_;
  // By spec.nodeName: agents list their pods by it, and binding sums up their claims.
  boost::unordered_flat_map<std::string, std::vector<PodOnNode>> by_node_;
  Revision revision_, floor_, loaded_at_;
};

}  // namespace keelson::apiserver
