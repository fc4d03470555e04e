// How a RedisStore comes to serve: two connections, the library, the greeting, and then either
// going on in the log where it was, or reading everything.
#include <algorithm>
#include <utility>

#include "runtime/redis/redis_store.hpp"

namespace keelson::redis {

using store::Revision;

// Above everything that anyone may have seen of the lost history: the revisions of half a minute at
// the highest rate that a store reaches. Whoever has seen more even so begins another epoch.
constexpr uint64_t kEpochGap = 1 << 20;

void RedisStore::change(Phase phase) {
  const bool before = serving();
  phase_ = phase;
  if (before == serving()) return;
  later([this] {
    if (tell_change_) tell_change_();
  });
}

void RedisStore::dial() {
  retrying_ = false;
  ++session_;
  ++attempts_;
  const std::vector<HostPort>& sentinels = options_.address.sentinels;
  if (sentinels.empty()) return connect();
  const HostPort& next = sentinels[static_cast<std::size_t>(attempts_) % sentinels.size()];
  sentinel_ = std::make_unique<SentinelQuery>(loop_, next, options_.address.master,
                                              options_.patience, [this](Result<HostPort> master) {
                                                if (!master) return fail(master.error().message);
                                                options_.address.tcp = std::move(*master);
                                                connect();
                                              });
}

void RedisStore::connect() {
  const auto lost = [this](Error why) { fail(std::move(why.message)); };
  const auto open = [this] {
    if (calls_->open() && tail_->open()) opened();
  };
  calls_ = std::make_unique<Connection>(loop_, options_.address, options_.patience, open, lost);
  tail_ = std::make_unique<Connection>(loop_, options_.address, options_.patience, open, lost);
}

// The end of the connections, or of the attempt to make them serve. The next one comes later each
// time.
void RedisStore::fail(std::string why) {
  if (retrying_) return;
  retrying_ = true;
  if (trouble_ != why) {
    log_.warning("the store is away", {{"address", options_.address.shown()}, {"why", why}});
  }
  trouble_ = std::move(why);
  change(Phase::apart);
  calls_.reset();
  tail_.reset();
  snapshot_.reset();
  part_.clear();
  give_up_pending();
  give_up_waiting(unavailable(), Code::unknown);
  watches_.close_all(unavailable());
  Duration wait = options_.retry_min;
  for (int i = 1; i < attempts_ && wait < options_.retry_max; ++i) wait *= 2;
  wait = std::min(wait, options_.retry_max);
  retry_.arm(rng_.between(wait / 2, wait));
}

void RedisStore::step(const Connection::Arguments& call, Callback<void(const Reply&)> then) {
  calls_->call(call, [this, then = std::move(then)](Result<Reply> reply) mutable {
    if (!reply) return;  // the connection is lost, and fail() was told
    if (reply->is_error()) return fail("Redis refused: " + reply->text);
    then(*reply);
  });
}

void RedisStore::opened() {
  change(Phase::greeting);
  step({"ROLE"}, [this](const Reply& reply) {
    if (reply.at(0) != "master") return fail("it is a " + std::string(reply.at(0)) + ", no master");
    check_library();
  });
}

void RedisStore::check_library() {
  calls_->call(call_of(options_.prefix, "keelson_version", {}, true), [this](Result<Reply> reply) {
    if (!reply) return;
    if (reply->is_error() && !reply->text.starts_with("ERR Function not found")) {
      return fail("Redis refused: " + reply->text);
    }
    if (!reply->is_error() && reply->integer >= kLibraryVersion) return greet();
    step({"FUNCTION", "LOAD", "REPLACE", std::string(library())},
         [this](const Reply&) { greet(); });
  });
}

void RedisStore::greet() {
  const uint64_t seen = known_ ? history_.current().value : 0;
  const bool create = options_.create && !known_;
  step(call_of(options_.prefix, "keelson_hello",
               {options_.client, std::to_string(session_), std::to_string(seen),
                create ? options_.cluster : std::string()}),
       [this](const Reply& reply) { greeted(reply); });
}

void RedisStore::greeted(const Reply& reply) {
  if (reply.items.empty()) {
    return fail(
        "it is empty: the cluster's state is gone from it. Restore it, or reset the cluster");
  }
  if (reply.number(0) != kSchema) {
    return fail("its schema is " + std::string(reply.at(0)) + ", not " + std::to_string(kSchema));
  }
  if (reply.at(1) != options_.cluster) {
    return fail("it is the store of cluster \"" + std::string(reply.at(1)) + "\", not of \"" +
                options_.cluster + "\"");
  }
  const Revision found{reply.number(2), reply.number(3)};
  const Revision seen = history_.current();
  if (!known_ || (found.epoch > seen.epoch && found.value >= seen.value)) {
    return load(found, std::string(reply.at(6)));
  }
  const uint64_t compacted = reply.number(4);
  // The entry at the revision seen last is still there and says the same, as all before it does
  // then. If it is the newest, it may have been compacted away: the chain stands beside the log,
  // too.
  const bool same = reply.at(7) == chain_ || (found == seen && reply.at(6) == chain_);
  if (found.epoch == seen.epoch && found >= seen && (same || seen.value == 0)) {
    change(Phase::catching);
    target_ = found.value;
    read_at_ = seen.value;
    read_log();
    return followed();
  }
  if (found.epoch == seen.epoch && found > seen && compacted >= seen.value) {
    // Away for longer than the log is kept: nothing says that history was lost.
    return load(found, std::string(reply.at(6)));
  }
  history_lost(found);
}

void RedisStore::history_lost(Revision found) {
  const Revision seen = history_.current();
  step(call_of(options_.prefix, "keelson_bump",
               {std::to_string(found.epoch), std::to_string(seen.epoch),
                std::to_string(std::max(seen.value, found.value) + kEpochGap),
                std::to_string(beats_.cursor() + kEpochGap)}),
       [this, seen, found](const Reply& reply) {
         const HistoryLost lost{seen, found, {reply.number(0), reply.number(1)}};
         log_.error("the store has lost acknowledged history",
                    {{"seen", to_string(lost.seen)},
                     {"found", to_string(lost.found)},
                     {"resumed", to_string(lost.resumed)}});
         if (tell_lost_) tell_lost_(lost);
         greet();
       });
}

void RedisStore::serve() {
  change(Phase::serving);
  attempts_ = 0;
  known_ = true;
  log_.info("the store is there",
            {{"address", options_.address.shown()}, {"revision", to_string(history_.current())}});
  trouble_.clear();
  settle_pending();
}

}  // namespace keelson::redis
