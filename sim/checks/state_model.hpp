// The checkers' own picture of the cluster, built from nothing but committed events: every object as it
// is now and as it was at any recent revision. Persistent by sharing: a version costs a pointer.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/api/object_table.hpp"
#include "core/store/store.hpp"

namespace keelson::sim {

class StateModel {
 public:
  // Versions older than this many revisions behind the newest are forgotten (the newest version of
  // each object is always kept).
  explicit StateModel(uint64_t keep_revisions = 150'000) : keep_(keep_revisions) {}

  void apply(const store::StoreEvent& event);

  api::Revision revision() const { return revision_; }
  // Null: there is none.
  api::ObjectPtr get(const api::ObjectKey& key) const;
  // As it was after revision `at` was committed. Null: it did not exist, or (only if remembers(at) is
  // false) it has changed since and that version is forgotten.
  api::ObjectPtr get_at(const api::ObjectKey& key, api::Revision at) const;
  // Whether the event of this revision was one of this object. REQUIRES: remembers(at).
  bool changed_at(const api::ObjectKey& key, api::Revision at) const;
  bool remembers(api::Revision at) const { return at.value + keep_ >= revision_.value; }
  template <class M>
  api::Ref<M> get(const std::string& ns, const std::string& name) const {
    return api::Ref<M>(get({api::kind_of<M>, ns, name}));
  }
  template <class M>
  api::Ref<M> get_at(const std::string& ns, const std::string& name, api::Revision at) const {
    return api::Ref<M>(get_at({api::kind_of<M>, ns, name}, at));
  }

  using Objects = api::ObjectTable;
  // All current objects of a kind, by (namespace, name).
  const Objects& all(api::Kind kind) const { return current_[static_cast<std::size_t>(kind)]; }
  // Current pods bound to a node / objects controlled by an owner's uid, by (namespace, name).
  const Objects& pods_on(const std::string& node) const;
  const Objects& controlled_by(api::Kind kind, const std::string& owner_uid) const;

 private:
  struct Version {
    api::Revision revision;
    api::ObjectPtr object;  // null: removed
  };
  void index(const api::ObjectPtr& before, const api::ObjectPtr& after);

  uint64_t keep_;
  api::Revision revision_;
  std::array<Objects, api::kind_count> current_;
  using Versions = std::unordered_map<api::ObjectKey, std::vector<Version>, api::ObjectKeyHash>;
  Versions versions_;
  // Which key to trim when. Entries of versions_ do not move, and one is only removed with the last of
  // its marks.
  std::deque<std::pair<uint64_t, Versions::value_type*>> trail_;
  std::unordered_map<std::string, Objects> pods_on_;
  std::unordered_map<std::string, Objects> controlled_;  // key: kind + uid
  Objects none_;
};

// uid of the controlling owner, or empty.
const std::string& controller_uid(const api::Object& object);
// A pod that counts: not finished, not being deleted (k8s: IsPodActive).
bool active(const api::Pod& pod);
bool ready(const api::Pod& pod);

}  // namespace keelson::sim
