// When memory is fresh enough: read barriers on the store, and waits for a revision to arrive.
#pragma once

#include <functional>
#include <map>

#include "core/apiserver/common.hpp"
#include "core/apiserver/options.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/loop.hpp"
#include "core/store/store.hpp"

namespace keelson::apiserver {

class Freshness {
 public:
  // `on_stalled`: the store has answered a barrier, but its watch does not bring what it promised.
  Freshness(Loop& loop, store::Store& store, const WatchCache& cache,
            const ApiServerOptions& options, std::function<void()> on_stalled);

  // Calls back when memory holds everything that was committed before this call: a linearizable
  // read (ST-8). Callers that come while a barrier is under way share the next one.
  void barrier(Callback<void(ApiError)> done);
  // Calls back when the cache has reached `revision` (true), or after `patience` (false).
  void at_least(Revision revision, Duration patience, Callback<void(bool)> done);
  // The cache has moved. REQUIRES: everything else has seen the new state already.
  void advanced();
  // The cache is being loaded anew: all who wait are told that it failed.
  void interrupted();

 private:
  struct Waiter {
    Instant deadline;
    Callback<void(bool)> done;
  };
  void begin();
  void ask();
  void ask_again();
  void answered(Result<Revision> current);
  void expire();

  Loop& loop_;
  store::Store& store_;
  const WatchCache& cache_;
  const ApiServerOptions& options_;
  std::function<void()> on_stalled_;
  bool asking_ = false;
  uint64_t round_ = 0;  // of asked_: an answer to an earlier one says nothing about these callers
  Instant asked_at_{};  // when the store was last asked
  std::vector<Callback<void(ApiError)>> asked_, next_;
  std::multimap<Revision, Waiter> waiters_;
  Timer timer_, ask_timer_;
  Lifeline life_;
};

}  // namespace keelson::apiserver
