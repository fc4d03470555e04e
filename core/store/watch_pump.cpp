#include "core/store/watch_pump.hpp"

#include <utility>
#include <vector>

namespace keelson::store {

WatchPump::WatchPump(Loop& loop, const History& history, std::size_t batch_max)
    : loop_(loop),
      history_(history),
      batch_max_(batch_max),
      alive_(std::make_shared<bool>(true)) {
  KEELSON_ASSERT(batch_max > 0);
}

WatchPump::~WatchPump() {
  *alive_ = false;
}

WatchId WatchPump::watch(Revision after, WatchSink& sink) {
  watches_.emplace(++last_watch_, Watch{after, &sink});
  wake();
  return {last_watch_};
}

void WatchPump::unwatch(WatchId watch) {
  watches_.erase(watch.id);
}

void WatchPump::close_all(Error why) {
  for (auto& [id, watch] : watches_) watch.closing = why.code;
  closing_why_ = std::move(why.message);
  wake();
}

void WatchPump::wake() {
  if (posted_ || watches_.empty()) return;
  posted_ = true;
  loop_.post([this, alive = alive_] {
    if (*alive) pump();
  });
}

void WatchPump::pump() {
  posted_ = false;
  // Sinks may watch, unwatch, write and even destroy the store, so nothing is held across a call.
  std::vector<uint64_t> ids;
  for (const auto& [id, watch] : watches_) ids.push_back(id);
  const std::shared_ptr<bool> alive = alive_;
  bool more = false;
  for (const uint64_t id : ids) {
    more |= serve(id);
    if (!*alive) return;
  }
  if (more) wake();
}

bool WatchPump::serve(uint64_t id) {
  const auto at = watches_.find(id);
  if (at == watches_.end()) return false;
  Watch& watch = at->second;
  WatchSink& sink = *watch.sink;
  if (watch.closing != Code::ok) {
    const Error why{watch.closing, closing_why_};
    watches_.erase(at);
    sink.on_closed(why);
    return false;
  }
  Result<EventRun> run = history_.events_after(watch.seen);
  if (!run.ok()) {
    watches_.erase(at);
    sink.on_closed(run.error());
    return false;
  }
  std::span<const StoreEvent> events = run->events;
  if (events.empty()) return false;
  if (events.size() > batch_max_) events = events.first(batch_max_);
  watch.seen = events.back().revision;
  const bool more = watch.seen < history_.current();
  sink.on_events(events);
  return more;
}

}  // namespace keelson::store
