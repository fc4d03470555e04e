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
      watches_(loop, history_, options.watch_batch_max) {
  history_.observe([this](std::span<const StoreEvent> events) { beats_.forget_removed(events); });
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
    watches_.wake();
  }
  answer(std::move(done), std::move(result));
}

void MemoryStore::current_revision(Done<Revision> done) {
  answer<Revision>(std::move(done), history_.current());
}

void MemoryStore::compact(Revision revision, Done<Unit> done) {
  history_.compact(revision);
  watches_.wake();  // those that were left behind must learn it
  answer<Unit>(std::move(done), Unit{});
}

Status MemoryStore::fail_over(Revision keep, uint64_t floor) {
  Status status = history_.fail_over(keep, floor);
  if (status.ok()) {
    age_marks_.clear();
    watches_.wake();
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
  return watches_.watch(after, sink);
}

void MemoryStore::unwatch(WatchId watch) {
  watches_.unwatch(watch);
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
