// The Store on Redis. Redis holds the truth and judges every transaction (library.lua); this
// process follows its log into a History, and serves reads and watches from there once a read
// barrier has said how far the log must have come.
//
// **Success is what the log says.** A transaction carries an id, its events carry it too, and it is
// answered when they arrive. So an outcome that a lost connection hid is known as soon as the log
// has been read again: what is not in it by then never happened, because a new connection makes
// Redis refuse what the old one has sent (session).
//
// **Lost history is detected.** On every connect the entry at the last revision seen must still be
// there, with the same chain hash. If not, acknowledged writes were lost (a failover, a restart
// without its disk): a new epoch begins above everything that was ever used, all watches end with
// Code::compacted, no role has a holder, and `on_history_lost` is told. See GUARANTEES: ST-6.
//
// While there is no connection everything is answered with Code::unavailable at once, but what was
// under way: that waits for the log, `unknown_after` at most, and is Code::unknown then.
//
// It connects by itself, first on the next turn after construction, and again whenever it has to.
// Threading: the loop's thread. Destroying it answers what is under way, on later turns.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/rng.hpp"
#include "core/store/beats.hpp"
#include "core/store/history.hpp"
#include "core/store/watch_pump.hpp"
#include "runtime/redis/connection.hpp"
#include "runtime/redis/portion.hpp"
#include "runtime/redis/protocol.hpp"
#include "runtime/redis/sentinel.hpp"
#include "runtime/redis/snapshot.hpp"

namespace keelson::redis {

struct RedisStoreOptions {
  Address address;
  // All keys begin with it. The braces keep them on one shard.
  std::string prefix = "{keelson}";
  // Which cluster's store this must be: another cluster's is refused.
  std::string cluster = "keelson";
  // An empty Redis becomes that cluster's store. False: it is refused, since a cluster whose state
  // is gone must not start anew as if nothing had been.
  bool create = true;
  // Names this process, for people who look into Redis, without '/'. What makes it unlike all
  // others, and unlike its own former lives, is the seed.
  std::string client = "keelson";
  // So many replicas must have what this process shows to anyone, be it as an answer, a read or a
  // watch event. 1 with Sentinel. While there are fewer the store is unavailable.
  int replicas = 0;
  Duration patience = 5s;        // for any answer of Redis. REQUIRES: >= 2 s
  Duration unknown_after = 10s;  // for a transaction whose connection was lost
  Duration retry_min = 50ms, retry_max = 2s;
  // Of the history that is kept in this process, for watches and snapshots. The log in Redis is
  // bounded by compact() alone.
  std::size_t events_max = 20'000;
  std::size_t watch_batch_max = 500;
  // Transactions that wait for Redis; beyond that commit() is Code::unavailable.
  std::size_t pending_max = 20'000;
};

struct HistoryLost {
  store::Revision seen;     // this process had seen everything up to here
  store::Revision found;    // and Redis ended there, or knew other events than these
  store::Revision resumed;  // where the new epoch begins
};

class RedisStore final : public store::Store {
 public:
  // `seed`: makes this client's name unique, and the jitter between attempts to connect: real
  // entropy. REQUIRES: loop and log outlive this.
  RedisStore(runtime::AsioLoop& loop, Log& log, RedisStoreOptions options, uint64_t seed);
  ~RedisStore() override;
  RedisStore(const RedisStore&) = delete;
  RedisStore& operator=(const RedisStore&) = delete;

  bool serving() const { return phase_ == Phase::serving; }
  // Why it does not serve, a sentence for people; empty: it does.
  const std::string& trouble() const { return trouble_; }
  // A question beside the store's own, for figures: {"INFO", "memory"}. An answer of Redis that says no
  // is a reply. Code::unavailable: it does not serve; unknown: the connection was lost meanwhile.
  void ask(const Connection::Arguments& question, Done<Reply> done);
  // Nothing that was asked waits for an answer.
  bool idle() const {
    return pending_.empty() && barrier_next_.empty() && barrier_asked_.empty() &&
           reached_.empty() && beats_next_.empty() && beats_asked_.empty() &&
           beats_reached_.empty() && compactions_.empty();
  }
  // Called on a later turn whenever serving() has changed.
  void on_change(std::function<void()> tell) { tell_change_ = std::move(tell); }
  // Called after the store has gone on without acknowledged history, before it serves again. Must
  // not destroy the store.
  void on_history_lost(std::function<void(const HistoryLost&)> tell) {
    tell_lost_ = std::move(tell);
  }

  void get(const store::ObjectKey& key, Done<store::ObjectPtr> done) override;
  void list(const store::ListQuery& query, Done<store::ListPage> done) override;
  void commit(store::Transaction transaction, Done<store::Committed> done) override;
  void current_revision(Done<store::Revision> done) override;
  store::WatchId watch(store::Revision after, store::WatchSink& sink) override;
  void unwatch(store::WatchId watch) override;
  void compact(store::Revision revision, Done<Unit> done) override;
  void beat(std::vector<api::Beat> beats, Done<Unit> done) override;
  void beats_since(uint64_t cursor, Done<store::BeatPage> done) override;

 private:
  using Revision = store::Revision;
  enum class Phase : uint8_t {
    apart,     // no connection, or it is being made
    greeting,  // authenticated; finding out what there is
    loading,   // reading everything
    catching,  // following the log up to where it stood at the greeting
    serving,
  };
  struct Pending {
    store::Transaction transaction;
    Done<store::Committed> done;
    uint64_t session = 0;  // of the connection that has sent it; 0: it was not sent
    Instant deadline{};    // set when that connection was lost
    std::string refused;   // an answer of Redis that says no, but not that nothing happened
  };

  // The way to a connection that serves, in the order in which it happens (redis_connect.cpp).
  void dial();
  void connect();
  void opened();
  void check_library();
  void greet();
  void greeted(const Reply& reply);
  void history_lost(Revision found);
  void serve();
  void fail(std::string why);
  void sweep();
  void change(Phase phase);
  // A call on the way there: gives up if Redis refuses.
  void step(const Connection::Arguments& call, Callback<void(const Reply&)> then);

  // Reading everything (redis_load.cpp).
  void load(Revision from, std::string chain);
  void load_page(std::size_t kind, const std::string& cursor);
  void loaded();
  void take_snapshot();

  // The log (redis_follow.cpp).
  void read_log();
  // Calls back once `replicas` have everything that there is now.
  void replicated(Callback<void()> then);
  void read(const Reply& streams);
  bool read_entries(const Reply& entries);
  void read_beats(const Reply& entries);
  // A whole transaction. False: it does not fit, and the connection has been given up.
  bool follow(std::vector<LogEntry> entries);
  bool follow_into_snapshot(std::vector<LogEntry> entries);
  bool misfit(std::string why);
  void followed();

  // Transactions on their way (redis_commit.cpp).
  void send_transactions();
  void answered(const std::vector<uint64_t>& ids, const Reply& reply);
  Pending* pending_of(const LogEntry& entry, uint64_t& id);
  void finish(uint64_t id, Result<store::Committed> result);
  // Of those of older connections, whose log has been read.
  void settle_pending();
  void give_up_pending();

  // Calls back at the next barrier, once memory has come that far.
  void barrier(Done<Revision> done);
  void ask_barrier();
  void send_beats();
  void compact_next();
  template <class T>
  void answer(Done<T> done, Result<T> result) {
    loop_.post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  }
  // Everything that asked Redis a question and changes nothing by it, on later turns.
  void give_up_waiting(const Error& why, Code beats);
  // Runs it on a later turn if this store still is there.
  void later(Callback<void()> work);
  Error unavailable() const;

  runtime::AsioLoop& loop_;
  Log& log_;
  RedisStoreOptions options_;
  Rng rng_;
  std::function<void(const HistoryLost&)> tell_lost_;
  std::function<void()> tell_change_;

  Phase phase_ = Phase::apart;
  std::string trouble_ = "not connected yet";
  std::unique_ptr<SentinelQuery> sentinel_;
  std::unique_ptr<Connection> calls_, tail_;
  uint64_t session_ = 0;
  int attempts_ = 0;
  bool retrying_ = false;
  Timer retry_, sweep_;

  store::History history_;
  store::WatchPump watches_;
  bool known_ = false;          // history_ is a copy of something
  bool skipped_ = false;        // history_ was restarted, and may have missed answers in the log
  std::string chain_;           // at history_.current()
  uint64_t target_ = 0;         // loading, catching: the revision to reach
  uint64_t read_at_ = 0;        // the last entry of the log that was read
  Portion page_, news_;         // of objects, while loading; of the log
  std::vector<LogEntry> part_;  // of a transaction of which the rest is still to be read
  std::optional<Snapshot> snapshot_;  // loading: what has been read
  Revision snapshot_at_;              // how far the log is in it
  std::string snapshot_chain_;        // at snapshot_at_

  std::map<uint64_t, Pending> pending_;
  uint64_t last_transaction_ = 0;
  std::vector<uint64_t> outbox_;  // of pending_: to be sent
  bool sending_posted_ = false;
  int calls_under_way_ = 0;

  // One question at a time; whoever comes meanwhile shares the next.
  std::vector<Done<Revision>> barrier_next_, barrier_asked_;
  std::multimap<uint64_t, Done<Revision>> reached_;  // by the revision that they wait for

  store::BeatBoard beats_;
  std::vector<std::string> beats_out_;
  std::vector<Done<Unit>> beats_next_, beats_asked_;
  bool beats_posted_ = false;
  std::multimap<uint64_t, Done<Unit>> beats_reached_;

  struct Compaction {
    Revision revision;
    Done<Unit> done;
  };
  std::vector<Compaction> compactions_;  // the first is under way

  std::shared_ptr<bool> alive_;  // becomes false with this store
};

}  // namespace keelson::redis
