// The simulated store: the real state machine (core/store/history.hpp) behind a network, with the
// faults that a database has. Each API server reaches it through a StoreLink of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/base/rng.hpp"
#include "core/store/beats.hpp"
#include "core/store/history.hpp"
#include "core/store/store.hpp"
#include "sim/engine/process.hpp"
#include "sim/world/network.hpp"

namespace keelson::sim {

struct StoreHostOptions {
  store::HistoryOptions history;
  Duration commit_min = 200us;  // from the request's arrival until it is durable
  Duration commit_max = 900us;
  Duration call_timeout = 5s;   // what its clients wait
};

class StoreLink;

class StoreHost {
 public:
  StoreHost(Engine& engine, Network& network, Rng rng, HostId host, StoreHostOptions options);

  store::History& history() { return history_; }
  const store::History& history() const { return history_; }
  const store::BeatBoard& beats() const { return beats_; }
  HostId host() const { return host_; }
  std::function<void(const api::Beat&)> on_beat;
  std::function<void(const store::Transaction&, const Result<store::Committed>&)> on_transaction;

  // While it is down every call is refused and watches end; state and history survive.
  bool available() const { return available_; }
  void set_available(bool available);
  // See History::fail_over: acknowledged writes after `keep` are lost.
  Status fail_over(api::Revision keep);
  // Watches that were held back by a cut go on.
  void kick();

 private:
  friend class StoreLink;
  Engine& engine_;
  Network& network_;
  Rng rng_;
  HostId host_;
  StoreHostOptions options_;
  bool available_ = true;
  store::History history_;
  store::BeatBoard beats_;
  std::vector<StoreLink*> links_;
};

// The Store of one API server process, over the network.
class StoreLink final : public store::Store {
 public:
  StoreLink(StoreHost& host, Process& process, HostId from);
  ~StoreLink() override;

  void get(const store::ObjectKey& key, Done<store::ObjectPtr> done) override;
  void list(const store::ListQuery& query, Done<store::ListPage> done) override;
  void commit(store::Transaction transaction, Done<store::Committed> done) override;
  void current_revision(Done<store::Revision> done) override;
  store::WatchId watch(store::Revision after, store::WatchSink& sink) override;
  void unwatch(store::WatchId watch) override;
  void compact(store::Revision revision, Done<Unit> done) override;
  void beat(std::vector<api::Beat> beats, Done<Unit> done) override;
  void beats_since(uint64_t cursor, Done<store::BeatPage> done) override;

  // What the server sees of the history is this old (a lagging replica): reads of its cache are stale.
  void set_lag(Duration lag) { lag_ = lag; }
  // The server's process was killed.
  void reset();

 private:
  friend class StoreHost;
  struct Watch {
    store::WatchSink* sink;
    store::Revision seen;
    store::Revision limit;  // what the segment under way contains
    bool under_way = false;
  };
  // Runs `serve` at the store and carries what it returns back.
  template <class T>
  void call(Duration takes, Callback<Result<T>()> serve, Done<T> done);
  void push(uint64_t id);
  void arrive(uint64_t id);
  void close(uint64_t id, Error why);
  void close_all(const Error& why);

  StoreHost& host_;
  Process& process_;
  HostId from_;
  Duration lag_{};
  Instant last_arrival_{};
  uint64_t next_watch_ = 1;
  std::map<uint64_t, Watch> watches_;
};

}  // namespace keelson::sim
