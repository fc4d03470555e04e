// Following the log: what has happened, in order, into memory. A transaction is taken whole or not
// at all, so that no read and no watch sees half of one.
#include <utility>

#include "runtime/redis/provenance.hpp"
#include "runtime/redis/redis_store.hpp"

namespace keelson::redis {

using store::Committed;
using store::ObjectPtr;
using store::Revision;

void RedisStore::read_log() {
  // BLOCK well below the patience for an answer, so that a half-open connection is noticed.
  tail_->call({"XREAD", "COUNT", news_.count(), "BLOCK", "1000", "STREAMS",
               options_.prefix + ":log", options_.prefix + ":beats",
               std::to_string(read_at_) + "-0", std::to_string(beats_.cursor()) + "-0"},
              [this](Result<Reply> reply) {
                if (!reply) return;
                if (reply->is_error()) return fail("Redis refused: " + reply->text);
                if (reply->items.empty()) return read_log();
                auto news = std::make_shared<Reply>(std::move(*reply));
                replicated([this, news] { read(*news); });
              });
}

void RedisStore::replicated(Callback<void()> then) {
  if (options_.replicas == 0) return then();
  // WAIT is about what this connection has written, so it writes something; all before that is
  // waited for with it.
  const Duration wait = options_.patience / 2;
  tail_->call(call_of(options_.prefix, "keelson_mark", {}), [this](Result<Reply> reply) {
    if (reply && reply->is_error()) fail("Redis refused: " + reply->text);
  });
  tail_->call({"WAIT", std::to_string(options_.replicas), std::to_string(wait / 1ms)},
              [this, then = std::move(then)](Result<Reply> reply) mutable {
                if (!reply) return;
                if (reply->is_error()) return fail("Redis refused: " + reply->text);
                if (reply->integer < options_.replicas) {
                  return fail("only " + std::to_string(reply->integer) + " of " +
                              std::to_string(options_.replicas) + " replicas keep up");
                }
                then();
              });
}

void RedisStore::read(const Reply& streams) {
  const std::shared_ptr<bool> alive = alive_;
  const uint64_t session = session_;
  for (const Reply& stream : streams.items) {
    if (stream.items.size() != 2) continue;
    if (stream.items[0].text == options_.prefix + ":log") {
      news_.took(stream, stream.items[1].items.size());
      if (!read_entries(stream.items[1])) return;
    } else {
      read_beats(stream.items[1]);
    }
  }
  watches_.wake();
  followed();
  // Whoever was answered may have ended the store.
  if (*alive && session == session_ && phase_ != Phase::apart) read_log();
}

// False: the connection has been given up, or the store is gone.
bool RedisStore::read_entries(const Reply& entries) {
  const std::shared_ptr<bool> alive = alive_;
  for (const Reply& one : entries.items) {
    Result<LogEntry> entry = one.items.size() == 2 ? read_entry(one.items[0], one.items[1])
                                                   : Error{Code::invalid, "its log cannot be read"};
    if (!entry) return misfit(entry.error().message);
    const uint64_t epoch = snapshot_ ? snapshot_at_.epoch : history_.current().epoch;
    if (entry->revision != read_at_ + 1 || entry->epoch != epoch) {
      return misfit("its log goes on with " + std::to_string(entry->epoch) + '/' +
                    std::to_string(entry->revision) + " after " + std::to_string(epoch) + '/' +
                    std::to_string(read_at_));
    }
    read_at_ = entry->revision;
    const bool whole = entry->left == 0;
    part_.push_back(std::move(*entry));
    if (!whole) continue;
    std::vector<LogEntry> transaction = std::exchange(part_, {});
    if (!(snapshot_ ? follow_into_snapshot(std::move(transaction))
                    : follow(std::move(transaction)))) {
      return false;
    }
    if (!*alive || phase_ == Phase::apart) return false;
  }
  return true;
}

bool RedisStore::misfit(std::string why) {
  fail(std::move(why));
  return false;
}

bool RedisStore::follow_into_snapshot(std::vector<LogEntry> entries) {
  for (LogEntry& entry : entries) {
    snapshot_at_.value = entry.revision;
    snapshot_chain_ = std::move(entry.chain);
    if (entry.op == store::Write::Op::remove) {
      snapshot_->remove(entry.key, snapshot_at_);
      continue;
    }
    auto object = read_object(entry.key.kind, entry.bytes, snapshot_at_);
    if (!object) return misfit(object.error().message);
    snapshot_->put(std::move(*object));
  }
  return true;
}

bool RedisStore::follow(std::vector<LogEntry> entries) {
  uint64_t id = 0;
  Pending* pending = pending_of(entries.front(), id);
  if (pending && pending->transaction.writes.size() != entries.size()) pending = nullptr;
  store::ProvenancePtr provenance;
  if (pending) {
    provenance = pending->transaction.provenance;
  } else {
    provenance = read_provenance(entries.front().by).by;
  }
  // All objects first: nothing may fail once the first event has been taken.
  std::vector<ObjectPtr> objects;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const LogEntry& entry = entries[i];
    const Revision revision{entry.epoch, entry.revision};
    if (entry.op == store::Write::Op::remove) {
      ObjectPtr removed = history_.find(entry.key);
      if (!removed)
        return misfit("its log removes " + to_string(entry.key) + ", which is not there");
      objects.push_back(removed->at(revision));
    } else if (pending && pending->transaction.writes[i].object) {
      objects.push_back(pending->transaction.writes[i].object->at(revision));  // ours: here already
    } else {
      auto read = read_object(entry.key.kind, entry.bytes, revision);
      if (!read) return misfit(read.error().message);
      objects.push_back(std::move(*read));
    }
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    LogEntry& entry = entries[i];
    chain_ = std::move(entry.chain);
    history_.follow(entry.op, {entry.epoch, entry.revision}, entry.key,
                    entry.op == store::Write::Op::put ? objects[i] : nullptr, provenance);
  }
  if (pending) finish(id, Committed{std::move(objects), history_.current()});
  return true;
}

void RedisStore::read_beats(const Reply& entries) {
  for (const Reply& one : entries.items) {
    if (one.items.size() != 2) continue;
    const uint64_t cursor = number_of(one.items[0].text);
    if (cursor <= beats_.cursor()) continue;
    std::optional<api::Beat> beat = read_beat(one.items[1].at(1));
    // While everything is being read nobody knows the nodes: take_snapshot() looks again.
    if (beat && (snapshot_ || history_.find({api::Kind::nodes, "", beat->node}))) {
      beats_.beat_at(cursor, std::move(*beat));
    } else {
      beats_.pass(cursor);
    }
  }
}

// Memory has moved, or what somebody waits for is known now.
void RedisStore::followed() {
  if (phase_ == Phase::loading && snapshot_at_.value >= target_) {
    take_snapshot();
    serve();
  } else if (phase_ == Phase::catching && history_.current().value >= target_) {
    serve();
  }
  const std::shared_ptr<bool> alive = alive_;
  while (*alive && serving() && !reached_.empty() &&
         reached_.begin()->first <= history_.current().value) {
    Done<Revision> done = std::move(reached_.begin()->second);
    reached_.erase(reached_.begin());
    done(history_.current());
  }
  while (*alive && serving() && !beats_reached_.empty() &&
         beats_reached_.begin()->first <= beats_.cursor()) {
    Done<Unit> done = std::move(beats_reached_.begin()->second);
    beats_reached_.erase(beats_reached_.begin());
    done(Unit{});
  }
}

}  // namespace keelson::redis
