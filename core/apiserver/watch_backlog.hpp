// What a watcher is to be sent before anything new: the objects that it begins with, then events.
// The objects are kept as such, and become events only when they are taken: a thousand watchers
// that begin with all pods are a thousand lists of pointers.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "core/api/request.hpp"

namespace keelson::apiserver {

class WatchBacklog {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const {
    return objects_.size() - first_object_ + events_.size() - first_event_;
  }

  // REQUIRES: before any event.
  void begin_with(api::ObjectPtr object) { objects_.push_back(std::move(object)); }
  void push(api::WatchEvent event) { events_.push_back(std::move(event)); }
  void push(std::span<const api::WatchEvent> events) {
    events_.insert(events_.end(), events.begin(), events.end());
  }

  // Removes the next ones, at most so many.
  std::vector<api::WatchEvent> take(std::size_t max) {
    std::vector<api::WatchEvent> taken;
    taken.reserve(std::min(max, size()));
    while (taken.size() < max && first_object_ < objects_.size()) {
      api::ObjectPtr& object = objects_[first_object_++];
      api::WatchEvent& event = taken.emplace_back();
      event.type = api::WatchType::added;
      event.revision = object->revision();
      event.object = std::move(object);
    }
    while (taken.size() < max && first_event_ < events_.size()) {
      taken.push_back(std::move(events_[first_event_++]));
    }
    forget_taken(objects_, first_object_);
    forget_taken(events_, first_event_);
    return taken;
  }

 private:
  template <class T>
  static void forget_taken(std::vector<T>& all, std::size_t& first) {
    if (first < all.size()) return;
    std::vector<T>().swap(all);
    first = 0;
  }

  std::vector<api::ObjectPtr> objects_;
  std::vector<api::WatchEvent> events_;
  std::size_t first_object_ = 0, first_event_ = 0;  // of those not taken yet
};

}  // namespace keelson::apiserver
