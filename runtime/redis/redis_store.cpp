#include "runtime/redis/redis_store.hpp"

#include <algorithm>
#include <utility>

namespace keelson::redis {

using store::Committed;
using store::ListPage;
using store::ListQuery;
using store::ObjectKey;
using store::ObjectPtr;
using store::Revision;

RedisStore::RedisStore(runtime::AsioLoop& loop, Log& log, RedisStoreOptions options, uint64_t seed)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      rng_(seed),
      retry_(loop, [this] { dial(); }),
      sweep_(loop, [this] { sweep(); }),
      history_({.events_max = options_.events_max}),
      watches_(loop, history_, options_.watch_batch_max),
      alive_(std::make_shared<bool>(true)) {
  KEELSON_ASSERT(options_.client.find('/') == std::string::npos);
  options_.client += '.' + std::to_string(rng_.next());
  KEELSON_ASSERT(options_.patience >= 2s && options_.retry_min > 0s);
  history_.observe(
      [this](std::span<const store::StoreEvent> events) { beats_.forget_removed(events); });
  sweep_.arm(1s);
  retry_.arm(0s);
}

RedisStore::~RedisStore() {
  *alive_ = false;
  const Error gone{Code::unavailable, "the store is closing"};
  for (auto& [id, pending] : pending_) {
    const Code code = pending.session == 0 ? Code::unavailable : Code::unknown;
    answer<Committed>(std::move(pending.done), Error{code, gone.message});
  }
  give_up_waiting(gone, Code::unknown);
}

void RedisStore::later(Callback<void()> work) {
  loop_.post([alive = alive_, work = std::move(work)]() mutable {
    if (*alive) work();
  });
}

Error RedisStore::unavailable() const {
  return {Code::unavailable, "the store at " + options_.address.shown() + " is away: " + trouble_};
}

void RedisStore::give_up_waiting(const Error& why, Code beats) {
  for (auto* waiting : {&barrier_next_, &barrier_asked_}) {
    for (auto& done : std::exchange(*waiting, {})) answer<Revision>(std::move(done), why);
  }
  for (auto& [at, done] : std::exchange(reached_, {})) answer<Revision>(std::move(done), why);
  beats_out_.clear();
  for (auto& done : std::exchange(beats_next_, {})) answer<Unit>(std::move(done), why);
  for (auto& done : std::exchange(beats_asked_, {})) {
    answer<Unit>(std::move(done), Error{beats, why.message});
  }
  for (auto& [at, done] : std::exchange(beats_reached_, {})) {
    answer<Unit>(std::move(done), Error{beats, why.message});
  }
  for (Compaction& one : std::exchange(compactions_, {})) answer<Unit>(std::move(one.done), why);
}

void RedisStore::get(const ObjectKey& key, Done<ObjectPtr> done) {
  barrier([this, key, done = std::move(done)](Result<Revision> at) mutable {
    if (!at) return done(at.error());
    ObjectPtr object = history_.find(key);
    if (!object) return done({Code::not_found, to_string(key) + " does not exist"});
    done(std::move(object));
  });
}

void RedisStore::list(const ListQuery& query, Done<ListPage> done) {
  barrier([this, query, done = std::move(done)](Result<Revision> at) mutable {
    if (!at) return done(at.error());
    done(history_.list(query));
  });
}

void RedisStore::current_revision(Done<Revision> done) {
  barrier(std::move(done));
}

void RedisStore::barrier(Done<Revision> done) {
  if (!serving()) return answer<Revision>(std::move(done), unavailable());
  barrier_next_.push_back(std::move(done));
  if (barrier_asked_.empty()) ask_barrier();
}

// Whoever comes while a question is under way shares the next one: the answer to this one may be
// older than their call.
void RedisStore::ask_barrier() {
  barrier_asked_ = std::exchange(barrier_next_, {});
  calls_->call(call_of(options_.prefix, "keelson_revision", {}, true), [this](Result<Reply> reply) {
    if (!reply) return;  // given up already
    if (reply->is_error()) {
      for (auto& done : std::exchange(barrier_asked_, {})) {
        answer<Revision>(std::move(done),
                         Error{Code::unavailable, "Redis refused: " + reply->text});
      }
    } else if (reply->number(0) != history_.current().epoch) {
      return fail("it has begun another epoch");
    } else {
      const uint64_t at = reply->number(1);
      for (auto& done : std::exchange(barrier_asked_, {})) reached_.emplace(at, std::move(done));
    }
    if (!barrier_next_.empty()) ask_barrier();
    followed();
  });
}

store::WatchId RedisStore::watch(Revision after, store::WatchSink& sink) {
  const store::WatchId id = watches_.watch(after, sink);
  if (!serving()) watches_.close_all(unavailable());
  return id;
}

void RedisStore::unwatch(store::WatchId watch) {
  watches_.unwatch(watch);
}

void RedisStore::ask(const Connection::Arguments& question, Done<Reply> done) {
  if (!serving()) return answer<Reply>(std::move(done), unavailable());
  calls_->call(question, std::move(done));
}

void RedisStore::compact(Revision revision, Done<Unit> done) {
  if (!serving()) return answer<Unit>(std::move(done), unavailable());
  compactions_.push_back({std::min(revision, history_.current()), std::move(done)});
  if (compactions_.size() == 1) compact_next();
}

void RedisStore::compact_next() {
  // In slices, since Redis does nothing else meanwhile.
  constexpr const char* slice = "5000";
  const Revision now = history_.current();
  // Of an older epoch: there is nothing left of that.
  const uint64_t wanted =
      compactions_.front().revision.epoch == now.epoch ? compactions_.front().revision.value : 0;
  calls_->call(call_of(options_.prefix, "keelson_compact",
                       {std::to_string(now.epoch), std::to_string(wanted), slice}),
               [this](Result<Reply> reply) {
                 if (!reply) return;  // given up already
                 if (!reply->is_error() && reply->number(1) == 1) return compact_next();
                 Compaction ended = std::move(compactions_.front());
                 compactions_.erase(compactions_.begin());
                 if (!compactions_.empty()) compact_next();
                 if (reply->is_error()) {
                   return ended.done({Code::unavailable, "Redis refused: " + reply->text});
                 }
                 history_.compact({history_.current().epoch, reply->number(0)});
                 watches_.wake();  // those that were left behind must learn it
                 ended.done(Unit{});
               });
}

void RedisStore::beat(std::vector<api::Beat> beats, Done<Unit> done) {
  if (!serving()) return answer<Unit>(std::move(done), unavailable());
  for (const api::Beat& beat : beats) beats_out_.push_back(write_beat(beat));
  beats_next_.push_back(std::move(done));
  if (beats_posted_) return;
  beats_posted_ = true;
  later([this] {  // all of one turn in one call
    beats_posted_ = false;
    if (serving() && beats_asked_.empty() && !beats_next_.empty()) send_beats();
  });
}

void RedisStore::send_beats() {
  // A server that starts anew reads them all: the last few of each node, with their reports.
  const std::size_t keep = std::max<std::size_t>(1000, 16 * history_.size(api::Kind::nodes));
  std::vector<std::string> arguments{std::to_string(keep)};
  for (std::string& beat : std::exchange(beats_out_, {})) arguments.push_back(std::move(beat));
  beats_asked_ = std::exchange(beats_next_, {});
  calls_->call(call_of(options_.prefix, "keelson_beat", std::move(arguments)), [this](Result<Reply>
                                                                                          reply) {
    if (!reply) return;  // given up already
    const uint64_t cursor = number_of(reply->text);
    for (Done<Unit>& done : std::exchange(beats_asked_, {})) {
      if (reply->is_error()) {
        answer<Unit>(std::move(done), Error{Code::unavailable, "Redis refused: " + reply->text});
      } else {
        beats_reached_.emplace(cursor, std::move(done));
      }
    }
    if (!beats_next_.empty()) send_beats();
    followed();
  });
}

void RedisStore::beats_since(uint64_t cursor, Done<store::BeatPage> done) {
  if (!serving()) return answer<store::BeatPage>(std::move(done), unavailable());
  answer<store::BeatPage>(std::move(done), beats_.since(cursor));
}

}  // namespace keelson::redis
