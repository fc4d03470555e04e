// The life signs of nodes. They go to the store beside the history, batched per turn of the loop,
// and consume no revision; whoever reads the Leases of nodes sees them as renewTime.
#pragma once

#include <map>
#include <vector>

#include "core/apiserver/common.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/loop.hpp"
#include "core/store/store.hpp"

namespace keelson::apiserver {

class Heartbeats {
 public:
  Heartbeats(Loop& loop, store::Store& store, const WatchCache& cache)
      : loop_(loop), store_(store), cache_(cache) {}

  // NotFound if there is no such Node: whoever beats for it has to register it first.
  void renew(Request&& request, Callback<void(Response)> done);
  void list(uint64_t cursor, Callback<void(Response)> done);
  // Completes the answer to a get or list of Leases of nodes.
  static bool concerns(const Request& request);
  void overlay(Request request, Response response, Callback<void(Response)> done);

  // The heartbeats of removed nodes are forgotten.
  void saw(const Change& change);
  void reloaded();  // the cache has the whole state anew

 private:
  void accept(Request&& request, Callback<void(Response)> done);
  void keep(api::Beat&& beat);
  void flush();
  // Null: there is none, and the node is none of the cluster's (any more).
  ObjectPtr shown(const ObjectPtr& lease, const api::Beat& beat, Revision revision) const;
  ObjectPtr renewed(const ObjectPtr& lease, const api::Beat& beat) const;
  void overlay_now(const Request& request, Response& response) const;

  Loop& loop_;
  store::Store& store_;
  const WatchCache& cache_;
  std::vector<api::Beat> beats_;
  std::vector<Callback<void(Response)>> waiting_;
  bool posted_ = false;
  std::map<std::string, api::Beat> latest_;  // for overlays, up to cursor_
  uint64_t cursor_ = 0;
  Lifeline life_;
};

}  // namespace keelson::apiserver
