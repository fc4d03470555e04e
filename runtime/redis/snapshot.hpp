// A state put together from pages that were read one after the other while it went on changing, and
// from the log since before the first page: at the end it is that of one revision.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/store/store.hpp"

namespace keelson::redis {

class Snapshot {
 public:
  // From a page or from the log: whichever was read later may know the older state, so revisions
  // decide.
  void put(store::ObjectPtr object) {
    store::ObjectPtr& at = objects_[object->key()];
    if (!at || at->revision() < object->revision()) at = std::move(object);
  }
  // From the log. A page may have been read after this event, and then has what came after it.
  void remove(const store::ObjectKey& key, store::Revision revision) {
    const auto at = objects_.find(key);
    if (at != objects_.end() && at->second->revision() < revision) objects_.erase(at);
  }
  std::vector<store::ObjectPtr> take() {
    std::vector<store::ObjectPtr> all;
    all.reserve(objects_.size());
    for (auto& [key, object] : objects_) all.push_back(std::move(object));
    objects_.clear();
    return all;
  }

 private:
  std::map<store::ObjectKey, store::ObjectPtr> objects_;
};

}  // namespace keelson::redis
