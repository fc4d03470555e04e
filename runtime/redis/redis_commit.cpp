// Transactions: out in batches, and answered by the log, or by Redis where it refuses them.
#include <algorithm>
#include <utility>

#include "runtime/redis/redis_store.hpp"

namespace keelson::redis {

using store::Committed;

// One call may carry so many transactions and bytes: Redis does nothing else while it executes one.
constexpr std::size_t kCallTransactions = 128;
constexpr std::size_t kCallBytes = 1 << 20;
// While the disk is at one call the next one gathers.
constexpr int kCallsUnderWay = 2;

void RedisStore::commit(store::Transaction transaction, Done<Committed> done) {
  if (Status form = check_form(transaction); !form) {
    return answer<Committed>(std::move(done), form.error());
  }
  if (!serving()) return answer<Committed>(std::move(done), unavailable());
  if (pending_.size() >= options_.pending_max) {
    return answer<Committed>(std::move(done),
                             Error{Code::unavailable, "too many writes wait for the store"});
  }
  const uint64_t id = ++last_transaction_;
  pending_.emplace(id, Pending{std::move(transaction), std::move(done)});
  outbox_.push_back(id);
  if (sending_posted_) return;
  sending_posted_ = true;
  later([this] {  // all of one turn together
    sending_posted_ = false;
    send_transactions();
  });
}

void RedisStore::send_transactions() {
  std::size_t taken = 0;
  while (serving() && taken < outbox_.size() && calls_under_way_ < kCallsUnderWay) {
    Connection::Arguments call =
        transact_call({options_.prefix, options_.client, session_}, history_.current().epoch);
    std::vector<uint64_t> ids;
    std::size_t bytes = 0;
    while (taken < outbox_.size() && ids.size() < kCallTransactions && bytes < kCallBytes) {
      const uint64_t id = outbox_[taken++];
      Pending& pending = pending_.at(id);
      pending.session = session_;
      const std::size_t before = call.size();
      add_transaction(options_.client + '/' + std::to_string(id), pending.transaction, loop_.wall_now(),
                      call);
      for (std::size_t i = before; i < call.size(); ++i) bytes += call[i].size();
      ids.push_back(id);
    }
    ++calls_under_way_;
    calls_->call(call, [this, ids = std::move(ids)](Result<Reply> reply) {
      if (!reply) return;  // the log will tell
      --calls_under_way_;
      answered(ids, *reply);
    });
  }
  outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(taken));
}

// What Redis refused is over. What it accepted is answered when its events arrive.
void RedisStore::answered(const std::vector<uint64_t>& ids, const Reply& reply) {
  send_transactions();
  const Status whole = check_answers(reply, ids.size());
  bool undecided = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto at = pending_.find(ids[i]);
    if (at == pending_.end()) continue;
    Error refused = whole.error();
    if (whole.ok()) {
      Result<uint64_t> outcome = read_answer(reply.items[i], at->second.transaction);
      if (outcome) continue;
      refused = outcome.error();
    }
    if (refused.code == Code::unknown) {
      undecided = true;  // until the log has been read on a new connection
      at->second.refused = std::move(refused.message);
      continue;
    }
    answer<Committed>(std::move(at->second.done), std::move(refused));
    pending_.erase(at);
  }
  // A replica, a store whose time has moved on or whose library is gone, an answer that nobody can
  // read: find out how things are now.
  const bool stays = (whole.ok() && !undecided) || reply.text.starts_with("OOM") ||
                     reply.text.starts_with("MISCONF") || reply.text.starts_with("NOREPLICAS") ||
                     reply.text.starts_with("BUSY");
  if (!stays) fail(whole.ok() ? "it answered something unexpected" : whole.message());
}

RedisStore::Pending* RedisStore::pending_of(const LogEntry& entry, uint64_t& id) {
  const std::string& client = options_.client;
  const std::string_view name = entry.transaction;
  if (name.size() <= client.size() || name[client.size()] != '/' || !name.starts_with(client)) {
    return nullptr;
  }
  id = number_of(name.substr(client.size() + 1));
  const auto at = pending_.find(id);
  return at == pending_.end() ? nullptr : &at->second;
}

void RedisStore::finish(uint64_t id, Result<Committed> result) {
  const auto at = pending_.find(id);
  Done<Committed> done = std::move(at->second.done);
  pending_.erase(at);
  done(std::move(result));
}

// The log has come to where it stood when older connections were shut out: what is not in it by now
// never happened. Unless the log was skipped: then it may have.
void RedisStore::settle_pending() {
  const Error outcome = skipped_
                            ? Error{Code::unknown, "the history that would tell is gone"}
                            : Error{Code::unavailable, "the connection was lost before its turn"};
  skipped_ = false;
  for (auto at = pending_.begin(); at != pending_.end();) {
    if (at->second.session != session_) {
      Error told = outcome;
      if (!at->second.refused.empty()) told.message = std::move(at->second.refused);
      answer<Committed>(std::move(at->second.done), std::move(told));
      at = pending_.erase(at);
    } else {
      ++at;
    }
  }
}

// The connection is lost: what was not sent did not happen, the rest waits for the log.
void RedisStore::give_up_pending() {
  outbox_.clear();
  calls_under_way_ = 0;
  for (auto at = pending_.begin(); at != pending_.end();) {
    Pending& pending = at->second;
    if (pending.session == 0) {
      answer<Committed>(std::move(pending.done), unavailable());
      at = pending_.erase(at);
      continue;
    }
    if (pending.deadline == Instant{}) pending.deadline = loop_.now() + options_.unknown_after;
    ++at;
  }
}

void RedisStore::sweep() {
  sweep_.arm(1s);
  if (serving()) return;
  for (auto at = pending_.begin(); at != pending_.end();) {
    if (at->second.deadline <= loop_.now()) {
      answer<Committed>(std::move(at->second.done),
                        Error{Code::unknown, "no answer from the store: " + trouble_});
      at = pending_.erase(at);
    } else {
      ++at;
    }
  }
}

}  // namespace keelson::redis
