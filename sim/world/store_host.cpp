#include "sim/world/store_host.hpp"

#include <algorithm>
#include <utility>

namespace keelson::sim {

using store::StoreEvent;

StoreHost::StoreHost(Engine& engine, Network& network, Rng rng, HostId host,
                     StoreHostOptions options)
    : engine_(engine),
      network_(network),
      rng_(rng),
      host_(host),
      options_(options),
      history_(options.history) {
  history_.observe([this](std::span<const StoreEvent> events) {
    beats_.forget_removed(events);
    for (StoreLink* link : links_) {
      for (auto& [id, watch] : link->watches_) link->push(id);
    }
  });
}

void StoreHost::set_available(bool available) {
  available_ = available;
  if (available) return;
  for (StoreLink* link : links_) {
    link->close_all({Code::unavailable, "the store closed the connection"});
  }
}

Status StoreHost::fail_over(api::Revision keep) {
  Status status = history_.fail_over(keep, history_.current().value + (uint64_t{1} << 20));
  if (!status) return status;
  for (StoreLink* link : links_) link->close_all({Code::compacted, "the store has lost history"});
  return {};
}

void StoreHost::kick() {
  for (StoreLink* link : links_) {
    for (auto& [id, watch] : link->watches_) link->push(id);
  }
}

StoreLink::StoreLink(StoreHost& host, Process& process, HostId from)
    : host_(host), process_(process), from_(from) {
  host_.links_.push_back(this);
}

StoreLink::~StoreLink() { std::erase(host_.links_, this); }

void StoreLink::reset() { watches_.clear(); }

template <class T>
void StoreLink::call(Duration takes, Callback<Result<T>()> serve, Done<T> done) {
  struct Call {
    Callback<Result<T>()> serve;
    Done<T> done;
  };
  auto held = std::make_unique<Call>(Call{std::move(serve), std::move(done)});
  const uint32_t life = process_.incarnation();
  const auto out = host_.network_.transit(from_, host_.host_);
  if (!out) {
    process_.deliver(host_.options_.call_timeout, [held = std::move(held)]() mutable {
      held->done(Error{Code::unknown, "the store did not answer"});
    });
    return;
  }
  host_.engine_.schedule(
      *out + takes, host_.engine_.world(), [this, life, held = std::move(held)]() mutable {
        Result<T> result = host_.available_
                               ? held->serve()
                               : Result<T>(Code::unavailable, "the store refuses connections");
        if (process_.incarnation() != life) return;
        const auto back = host_.network_.transit(host_.host_, from_);
        if (!back) {
          process_.deliver(host_.options_.call_timeout, [held = std::move(held)]() mutable {
            held->done(Error{Code::unknown, "the store's answer was lost"});
          });
          return;
        }
        process_.deliver(*back, [held = std::move(held),
                                 result = std::make_unique<Result<T>>(std::move(result))]() mutable {
          held->done(std::move(*result));
        });
      });
}

void StoreLink::get(const store::ObjectKey& key, Done<store::ObjectPtr> done) {
  call<store::ObjectPtr>(
      Duration::zero(),
      [this, key]() -> Result<store::ObjectPtr> {
        store::ObjectPtr object = host_.history_.find(key);
        if (object == nullptr) return {Code::not_found, api::to_string(key) + " does not exist"};
        return object;
      },
      std::move(done));
}

void StoreLink::list(const store::ListQuery& query, Done<store::ListPage> done) {
  call<store::ListPage>(
      Duration::zero(), [this, query] { return host_.history_.list(query); }, std::move(done));
}

void StoreLink::commit(store::Transaction transaction, Done<store::Committed> done) {
  call<store::Committed>(
      host_.rng_.between(host_.options_.commit_min, host_.options_.commit_max),
      [this, held = std::make_unique<store::Transaction>(std::move(transaction))] {
        auto result = host_.history_.commit(*held);
        if (host_.on_transaction) host_.on_transaction(*held, result);
        return result;
      },
      std::move(done));
}

void StoreLink::current_revision(Done<store::Revision> done) {
  call<store::Revision>(
      Duration::zero(),
      [this]() -> Result<store::Revision> { return host_.history_.current(); }, std::move(done));
}

void StoreLink::compact(store::Revision revision, Done<Unit> done) {
  call<Unit>(
      Duration::zero(),
      [this, revision]() -> Result<Unit> {
        host_.history_.compact(revision);
        return Unit{};
      },
      std::move(done));
}

void StoreLink::beat(std::vector<api::Beat> beats, Done<Unit> done) {
  call<Unit>(
      Duration::zero(),
      [this, beats = std::move(beats)]() mutable -> Result<Unit> {
        for (api::Beat& beat : beats) {
          if (!host_.history_.find({api::Kind::nodes, "", beat.node})) continue;
          if (host_.on_beat) host_.on_beat(beat);
          host_.beats_.beat(std::move(beat));
        }
        return Unit{};
      },
      std::move(done));
}

void StoreLink::beats_since(uint64_t cursor, Done<store::BeatPage> done) {
  call<store::BeatPage>(
      Duration::zero(),
      [this, cursor]() -> Result<store::BeatPage> { return host_.beats_.since(cursor); },
      std::move(done));
}

store::WatchId StoreLink::watch(store::Revision after, store::WatchSink& sink) {
  const uint64_t id = next_watch_++;
  watches_.emplace(id, Watch{&sink, after, after, false});
  if (!host_.available_) {
    close(id, {Code::unavailable, "the store refuses connections"});
  } else if (after > host_.history_.current()) {
    close(id, host_.history_.events_after(after).error());
  } else {
    push(id);
  }
  return {id};
}

void StoreLink::unwatch(store::WatchId watch) { watches_.erase(watch.id); }

void StoreLink::push(uint64_t id) {
  Watch& watch = watches_.at(id);
  if (watch.under_way || !process_.alive()) return;
  if (watch.seen >= host_.history_.current()) return;
  const auto transit = host_.network_.stream_transit(host_.host_, from_);
  if (!transit) return;  // kick() resumes it when the path is whole again
  const Instant now = host_.engine_.now();
  last_arrival_ = std::max(last_arrival_, now + *transit + lag_);
  watch.under_way = true;
  watch.limit = host_.history_.current();
  process_.deliver(last_arrival_ - now, [this, id] { arrive(id); });
}

void StoreLink::arrive(uint64_t id) {
  auto it = watches_.find(id);
  if (it == watches_.end()) return;
  it->second.under_way = false;
  while (it->second.seen < it->second.limit) {
    auto run = host_.history_.events_after(it->second.seen);
    if (!run.ok()) {
      store::WatchSink* sink = it->second.sink;
      watches_.erase(it);
      sink->on_closed(run.error());
      return;
    }
    std::span<const StoreEvent> events = run->events;
    while (!events.empty() && events.back().revision > it->second.limit) {
      events = events.first(events.size() - 1);
    }
    if (events.empty()) break;
    it->second.seen = events.back().revision;
    it->second.sink->on_events(events);
    it = watches_.find(id);
    if (it == watches_.end()) return;
  }
  push(id);
}

void StoreLink::close(uint64_t id, Error why) {
  process_.deliver(1ms, [this, id, why = std::move(why)] {
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;
    store::WatchSink* sink = it->second.sink;
    watches_.erase(it);
    sink->on_closed(why);
  });
}

void StoreLink::close_all(const Error& why) {
  for (auto& [id, watch] : watches_) close(id, why);
}

}  // namespace keelson::sim
