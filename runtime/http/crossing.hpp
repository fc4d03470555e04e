// How work crosses between the core thread and an IO thread, in batches: whatever one turn produces
// costs the other side one wake-up.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/callback.hpp"

namespace keelson::http {

using Work = Callback<void()>;
// Runs work on the core thread; callable from any thread, in order.
using PostToCore = std::function<void(Work)>;

// The way from the core to one IO thread. It outlives the server: exchanges may be used by the core
// when the server has gone, and their work ends here then.
class ToIo : public std::enable_shared_from_this<ToIo> {
 public:
  // `wake` gets the IO thread to call take(); it is called under a lock and must not block.
  ToIo(PostToCore post_to_core, std::function<void()> wake)
      : post_to_core_(std::move(post_to_core)), wake_(std::move(wake)) {}

  // Core thread. The work leaves at the end of this turn.
  void push(Work work) {
    const bool first = batch_.empty();
    batch_.push_back(std::move(work));
    if (first && !in_turn_) post_to_core_([self = shared_from_this()] { self->flush(); });
  }
  // A later turn of the core thread.
  void later(Work work) const { post_to_core_(std::move(work)); }
  // Core thread: everything pushed between the two leaves together at the end.
  void begin_turn() { in_turn_ = true; }
  void end_turn() {
    in_turn_ = false;
    flush();
  }

  // IO thread.
  std::vector<Work> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(queue_, {});
  }
  // IO thread, at its end: whatever comes from now on is dropped.
  void close() {
    std::vector<Work> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
  }

 private:
  void flush() {
    if (batch_.empty()) return;
    std::vector<Work> dropped;  // destroyed outside of the lock
    const std::lock_guard lock(mutex_);
    if (closed_) {
      dropped.swap(batch_);
      return;
    }
    const bool first = queue_.empty();
    if (first) {
      queue_.swap(batch_);
    } else {
      for (Work& work : batch_) queue_.push_back(std::move(work));
      batch_.clear();
    }
    if (first) wake_();
  }

  const PostToCore post_to_core_;
  const std::function<void()> wake_;
  std::vector<Work> batch_;  // core thread
  bool in_turn_ = false;     // core thread
  std::mutex mutex_;
  std::vector<Work> queue_;  // guarded by mutex_
  bool closed_ = false;      // guarded by mutex_
};

}  // namespace keelson::http
