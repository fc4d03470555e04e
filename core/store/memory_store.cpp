#include "core/store/memory_store.hpp"

#include <algorithm>
#include <utility>

namespace keelson::store {

// A new incarnation has a higher epoch, so its heartbeat cursors start above all earlier ones.
constexpr int cursor_epoch_shift = 40;

MemoryStore::MemoryStore(Loop& loop, MemoryStoreOptions options)
    : loop_(loop),
      options_(options),
      history_(options.history),
      beats_(options.history.epoch << cursor_epoch_shift),
      alive_(std::make_shared<bool>(true)) {
  KEELSON_ASSERT(options.watch_batch_max > 0);
  history_.observe([this](std::span<const StoreEvent> events) { beats_.forget_removed(events); });
}

MemoryStore::~MemoryStore() {
  *alive_ = false;
}

template <class T>
void MemoryStore::answer(Done<T> done, Result<T> result) {
  loop_.post(
      [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
}

void MemoryStore::get(const ObjectKey& key, Done<ObjectPtr> done) {
  ObjectPtr object = history_.find(key);
  if (!object) {
    answer<ObjectPtr>(std::move(done), {Code::not_found, to_string(key) + " does not exist"});
    return;
  }
  answer<ObjectPtr>(std::move(done), std::move(object));
}

void MemoryStore::list(const ListQuery& query, Done<ListPage> done) {
  answer(std::move(done), history_.list(query));
}

void MemoryStore::commit(Transaction transaction, Done<Committed> done) {
  Result<Committed> result = history_.commit(transaction);
  if (result.ok()) {
    mark_age();
    wake_watches();
  }
  answer(std::move(done), std::move(result));
}

void MemoryStore::current_revision(Done<Revision> done) {
  answer<Revision>(std::move(done), history_.current());
}

void MemoryStore::compact(Revision revision, Done<Unit> done) {
  history_.compact(revision);
  wake_watches();  // those that were left behind must learn it
  answer<Unit>(std::move(done), Unit{});
}

Status MemoryStore::fail_over(Revision keep, uint64_t floor) {
  Status status = history_.fail_over(keep, floor);
  if (status.ok()) {
    age_marks_.clear();
    wake_watches();
  }
  return status;
}

// Forgets what is older than history_age_max. Driven by commits: a store that nobody writes to has
// nothing to forget.
void MemoryStore::mark_age() {
  const Instant now = loop_.now();
  if (age_marks_.empty() || now - age_marks_.back().first >= options_.history_age_max / 64) {
    age_marks_.emplace_back(now, history_.current());
  }
  Revision forget;
  while (!age_marks_.empty() && now - age_marks_.front().first > options_.history_age_max) {
    // Everything up to a mark is at least as old as the mark.
    forget = age_marks_.front().second;
    age_marks_.pop_front();
  }
  if (forget) history_.compact(forget);
}

WatchId MemoryStore::watch(Revision after, WatchSink& sink) {
  watches_.emplace(++last_watch_, Watch{after, &sink});
  wake_watches();
  return {last_watch_};
}

void MemoryStore::unwatch(WatchId watch) {
  watches_.erase(watch.id);
}

void MemoryStore::wake_watches() {
  if (pump_posted_ || watches_.empty()) return;
  pump_posted_ = true;
  loop_.post([this, alive = alive_] {
    if (*alive) pump();
  });
}

void MemoryStore::pump() {
  pump_posted_ = false;
  // Sinks may watch, unwatch, write and even destroy the store, so nothing is held across a call.
  std::vector<uint64_t> ids;
  for (const auto& [id, watch] : watches_) ids.push_back(id);
  const std::shared_ptr<bool> alive = alive_;
  bool more = false;
  for (const uint64_t id : ids) {
    more |= serve(id);
    if (!*alive) return;
  }
  if (more) wake_watches();
}

bool MemoryStore::serve(uint64_t id) {
  const auto at = watches_.find(id);
  if (at == watches_.end()) return false;
  Watch& watch = at->second;
  WatchSink& sink = *watch.sink;
  Result<EventRun> run = history_.events_after(watch.seen);
  if (!run.ok()) {
    watches_.erase(at);
    sink.on_closed(run.error());
    return false;
  }
  std::span<const StoreEvent> events = run->events;
  if (events.empty()) return false;
  if (events.size() > options_.watch_batch_max) events = events.first(options_.watch_batch_max);
  watch.seen = events.back().revision;
  const bool more = watch.seen < history_.current();
  sink.on_events(events);
  return more;
}

void MemoryStore::beat(std::vector<api::Beat> beats, Done<Unit> done) {
  for (api::Beat& beat : beats) {
    if (history_.find({api::Kind::nodes, "", beat.node})) beats_.beat(std::move(beat));
  }
  answer<Unit>(std::move(done), Unit{});
}

void MemoryStore::beats_since(uint64_t cursor, Done<BeatPage> done) {
  answer<BeatPage>(std::move(done), beats_.since(cursor));
}

}  // namespace keelson::store
