// What a server does by itself from time to time: forgets history that is old enough, expires
// Events, and looks whether the store's watch still brings what it should.
#pragma once

#include <deque>

#include "core/apiserver/freshness.hpp"
#include "core/apiserver/pipeline/context.hpp"
#include "core/apiserver/watch_cache.hpp"

namespace keelson::apiserver {

class Housekeeping {
 public:
  Housekeeping(const Context& context, WatchCache& cache, store::Store& store,
               Freshness& freshness);

  // The state has been loaded: all Events count as seen now. How old they are by this server's own
  // clock is not known, and no other clock is trusted.
  void begin();
  void suspend() { running_ = false; }
  void saw(const Change& change);

 private:
  struct Expiry {
    Instant at;
    Revision revision;  // if the Event is written again, this entry is void
    Name name;
  };
  void tick();
  void trim_to_size();
  void compact();
  void expire_events();
  void remove_events(std::vector<Expiry> batch);
  void probe();

  const Context& context_;
  WatchCache& cache_;
  store::Store& store_;
  Freshness& freshness_;
  bool running_ = false;
  std::deque<std::pair<Instant, Revision>> marks_;  // which revision was current when
  std::deque<Expiry> expiries_;                     // in the order in which they were written
  bool removing_ = false;
  store::ProvenancePtr provenance_;
  Timer tick_timer_, probe_timer_;
  Lifeline life_;
};

}  // namespace keelson::apiserver
