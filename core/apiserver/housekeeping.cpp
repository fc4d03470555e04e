#include "core/apiserver/housekeeping.hpp"

#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

namespace {
constexpr std::size_t kRemoveBatch = 100;  // a transaction of the store is to stay small
}

Housekeeping::Housekeeping(const Context& context, WatchCache& cache, store::Store& store,
                           Freshness& freshness)
    : context_(context),
      cache_(cache),
      store_(store),
      freshness_(freshness),
      provenance_(std::make_shared<store::Provenance>(
          store::Provenance{context.options.identity, "system:apiserver", {}, nullptr, 0})),
      tick_timer_(context.loop, [this] { tick(); }),
      probe_timer_(context.loop, [this] { probe(); }) {
  tick_timer_.arm(context_.options.compaction_period);
  probe_timer_.arm(context_.options.probe_period);
}

void Housekeeping::begin() {
  running_ = true;
  removing_ = false;
  marks_.clear();
  expiries_.clear();
  for (const auto& [name, event] : cache_.objects(Kind::events)) {
    expiries_.push_back(
        {context_.loop.now() + context_.options.event_ttl, event->revision(), name});
  }
}

void Housekeeping::saw(const Change& change) {
  trim_to_size();
  if (!change.after || change.after->kind() != Kind::events) return;
  expiries_.push_back({context_.loop.now() + context_.options.event_ttl,
                       change.revision,
                       {change.after->ns(), change.after->name()}});
}

void Housekeeping::tick() {
  tick_timer_.arm(context_.options.compaction_period);
  if (!running_) return;
  compact();
  expire_events();
}

// Not left to the tick: in a storm of changes there may be many times as many until then.
void Housekeeping::trim_to_size() {
  // Revisions are dense, so their difference is the number of changes.
  const Revision current = cache_.revision();
  const uint64_t most = context_.options.history_events_max;
  // Just after a load the floor may stand above what has been applied so far.
  if (current.value > cache_.floor().value + most + most / 16) {
    cache_.trim({current.epoch, current.value - most});
  }
}

void Housekeeping::compact() {
  const Instant now = context_.loop.now();
  marks_.emplace_back(now, cache_.revision());
  Revision old;
  while (!marks_.empty() && now - marks_.front().first >= context_.options.history_window) {
    old = marks_.front().second;
    marks_.pop_front();
  }
  if (!old) return;
  // The store first: what it has forgotten is Gone for everybody, what only this server has
  // forgotten it can still fetch.
  store_.compact(old, life_.tie([this, old](Result<Unit> outcome) {
    if (outcome && running_ && old <= cache_.revision()) cache_.trim(old);
  }));
}

void Housekeeping::expire_events() {
  if (removing_) return;
  const std::size_t present = cache_.objects(Kind::events).size();
  const std::size_t excess =
      present > context_.options.events_max ? present - context_.options.events_max : 0;
  std::vector<Expiry> batch;
  while (!expiries_.empty() && batch.size() < kRemoveBatch) {
    Expiry& oldest = expiries_.front();
    const ObjectPtr event = cache_.find(Kind::events, oldest.name.ns, oldest.name.name);
    if (event && event->revision() == oldest.revision) {
      if (oldest.at > context_.loop.now() && batch.size() >= excess) break;
      batch.push_back(std::move(oldest));
    }
    expiries_.pop_front();
  }
  if (!batch.empty()) remove_events(std::move(batch));
}

void Housekeeping::remove_events(std::vector<Expiry> batch) {
  removing_ = true;
  store::Transaction transaction;
  transaction.provenance = provenance_;
  for (const Expiry& expiry : batch) {
    transaction.writes.push_back(
        remove_of(*cache_.find(Kind::events, expiry.name.ns, expiry.name.name)));
  }
  store_.commit(
      std::move(transaction),
      life_.tie([this, batch = std::move(batch)](Result<store::Committed> outcome) mutable {
        removing_ = false;
        if (!outcome) {
          // Another server was faster, or one of them was written again: those that are still the
          // same come up again, the others void themselves.
          for (std::size_t i = batch.size(); i-- > 0;) expiries_.push_front(std::move(batch[i]));
          return;
        }
        freshness_.at_least(outcome->revision, context_.options.read_wait, [this](bool reached) {
          if (reached && running_) expire_events();
        });
      }));
}

// A watch that has silently stalled is found out even if nobody reads: a barrier asks the store,
// and if the cache does not get there the watch is made anew (see Freshness).
void Housekeeping::probe() {
  probe_timer_.arm(context_.options.probe_period);
  if (running_) freshness_.barrier([](ApiError) {});
}

}  // namespace keelson::apiserver
