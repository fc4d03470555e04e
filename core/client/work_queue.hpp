// A work queue of object keys: a key that is waiting is not queued twice; a key that is being worked
// on and is added again runs once more afterwards; failing keys back off exponentially, each on its
// own; keys come out in the order in which they became due. A key can be given a rest: changes that can
// wait are then gathered until it is over.
// Source of the semantics: client-go util/workqueue; it knows no rest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "core/api/object.hpp"
#include "core/base/loop.hpp"

namespace keelson::client {

struct WorkQueueOptions {
  Duration backoff_min = 5ms;
  Duration backoff_max = 30s;
};

class WorkQueue {
 public:
  // `on_ready` is called (from the loop, not from inside add) when keys can be taken.
  WorkQueue(Loop& loop, WorkQueueOptions options, std::function<void()> on_ready);
  ~WorkQueue();

  // At once, also during a rest.
  void add(const api::ObjectKey& key);
  // At once, or when the key's rest is over.
  void add_rested(const api::ObjectKey& key);
  // From now on the key rests for this long; zero: no longer. REQUIRES: taken and not done.
  void rest(const api::ObjectKey& key, Duration how_long);
  // After a while; the earliest of several wins.
  void add_after(const api::ObjectKey& key, Duration after);
  // After this key's back-off, which doubles each time until forget().
  void retry(const api::ObjectKey& key);
  void forget(const api::ObjectKey& key);

  // Takes the next key and marks it as being worked on. False: none is due.
  bool take(api::ObjectKey* key);
  // REQUIRES: taken before.
  void done(const api::ObjectKey& key);

  std::size_t waiting() const;  // due now
  uint64_t added() const;       // how often a key became due, since the beginning
  std::size_t delayed() const;  // all that wait for a time to come
  std::size_t resting() const;  // of these, the ones that were added and wait for their rest to end

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::client
