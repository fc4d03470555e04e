// The watches on a History: each is served from its own place, in batches, on later turns of the loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "core/base/loop.hpp"
#include "core/store/history.hpp"

namespace keelson::store {

class WatchPump {
 public:
  WatchPump(Loop& loop, const History& history, std::size_t batch_max);
  ~WatchPump();  // sinks are not called any more
  WatchPump(const WatchPump&) = delete;
  WatchPump& operator=(const WatchPump&) = delete;

  WatchId watch(Revision after, WatchSink& sink);
  void unwatch(WatchId watch);
  // The history has changed: whoever has something to see, or to miss, is served soon.
  void wake();
  // Ends all watches, on a later turn.
  void close_all(Error why);

 private:
  struct Watch {
    Revision seen;
    WatchSink* sink = nullptr;
    Code closing = Code::ok;  // otherwise: the reason to end it for
  };
  void pump();
  // One batch for one watch; true: there is more for it. Afterwards *this may be gone.
  bool serve(uint64_t id);

  Loop& loop_;
  const History& history_;
  std::size_t batch_max_;
  std::map<uint64_t, Watch> watches_;
  std::string closing_why_;
  uint64_t last_watch_ = 0;
  bool posted_ = false;
  std::shared_ptr<bool> alive_;  // becomes false with this pump
};

}  // namespace keelson::store
