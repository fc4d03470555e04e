// What the deployment controller remembers of a rollout between two looks.
#pragma once

#include <map>
#include <string>

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::controllers {

// The server did not take a new ReplicaSet.
struct Refusal {
  std::string rs_name;
  std::string message;
};

// Since when a rollout has not progressed, by our own clock. The condition's timestamps are for
// people: they were written by whoever led then, with that machine's clock.
class ProgressClock {
 public:
  // How long the Progressing condition has been as it is. Zero when it is new, also to this
  // process: after a failover the deadline starts again, so it can be late but never early.
  Duration since_change(const api::ObjectKey& key, const std::string& state, Instant now) {
    Entry& entry = entries_[key];
    if (entry.state != state) entry = {state, now};
    return now - entry.since;
  }
  void progressed(const api::ObjectKey& key, const std::string& state, Instant now) {
    entries_[key] = {state, now};
  }
  void forget(const api::ObjectKey& key) { entries_.erase(key); }
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    std::string state;
    Instant since;
  };
  std::map<api::ObjectKey, Entry> entries_;
};

}  // namespace keelson::controllers
