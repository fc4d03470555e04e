// A work queue of object keys: a key that is waiting is not queued twice; a key that is being worked
// on and is added again runs once more afterwards; failing keys back off exponentially, each on its
// own; keys come out in the order in which they became due.
// Source of the semantics: client-go util/workqueue.
#pragma once

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

  void add(const api::ObjectKey& key);
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
  std::size_t delayed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::client
