// Records Kubernetes Events about objects, for people to read. They are best effort: repeated ones
// are counted in one Event, floods are combined and cut, and what cannot be sent soon is dropped.
// Source of the rules and figures: client-go tools/record (EventCorrelator).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "core/api/object.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/client/lru_map.hpp"

namespace keelson::client {

struct EventRecorderOptions {
  std::string component;  // "replicaset-controller"
  std::string host;       // the node, for agents
  std::string user, actor;
  // Events about normal progress are dropped: for clusters where nobody reads them.
  bool warnings_only = false;

  // Similar events (all but their messages are equal) beyond this many within the interval are
  // combined into one; an event that is equal in all is counted as long as it is remembered.
  std::size_t similar_max = 10;
  Duration similar_interval = 10min;
  // Events per object: this many at once, then one more per refill.
  int64_t burst = 25;
  Duration refill = 5min;

  std::size_t remembered_max = 4096;
  std::size_t queue_max = 1000;
  // Attempts for one event while the API server is away, and the pause between them.
  int attempts_max = 3;
  Duration retry_pause = 2s;
};

class EventRecorder {
 public:
  using Options = EventRecorderOptions;

  EventRecorder(Loop& loop, ApiClient& client, Rng rng, EventRecorderOptions options);
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // `field_path`: the part of the object that this is about, "spec.containers{main}"; empty: all of
  // it. Events about different parts are never combined.
  void record(const api::Object& about, bool warning, const std::string& reason,
              const std::string& message, const std::string& field_path = {});

  uint64_t dropped() const { return dropped_; }  // by limits or because they could not be sent
  std::size_t queued() const { return queue_.size(); }

 private:
  struct Similar {
    std::set<std::string> messages;
    Instant last{};
  };
  // What was last sent about equal events.
  struct Seen {
    int32_t count = 0;  // zero: nothing yet
    std::string name;
    WallTime first;
  };
  struct Bucket {
    int64_t tokens = 0;
    Instant refilled{};  // zero: new
  };
  struct Pending {
    std::shared_ptr<api::Event> event;
    bool create = true;
    int attempts = 0;
  };

  bool combine(const std::string& similar_key, const std::string& message);
  bool take_token(const std::string& object_key);
  std::shared_ptr<api::Event> new_event(const api::Object& about, bool warning,
                                        const std::string& reason, std::string message);
  void send();
  void on_sent(api::Response response);

  Loop& loop_;
  ApiClient& client_;
  Rng rng_;
  uint64_t last_number_ = 0;  // in an event's name
  EventRecorderOptions options_;
  LruMap<Similar> similar_;
  LruMap<Seen> seen_;
  LruMap<Bucket> buckets_;
  std::deque<Pending> queue_;
  bool sending_ = false;  // the front of the queue is under way or waits for its next attempt
  uint64_t dropped_ = 0;
  Timer retry_timer_;
  std::shared_ptr<bool> alive_;
};

}  // namespace keelson::client
