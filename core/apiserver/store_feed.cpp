#include "core/apiserver/store_feed.hpp"

#include <algorithm>

namespace keelson::apiserver {

namespace {
constexpr int64_t kLoadPage = 5'000;
constexpr Duration kBackoffMin = 100ms, kBackoffMax = 5s;
}  // namespace

StoreFeed::StoreFeed(Loop& loop, store::Store& store, WatchCache& cache, Log& log,
                     Listener listener)
    : store_(store),
      cache_(cache),
      log_(log),
      listener_(std::move(listener)),
      backoff_(kBackoffMin),
      retry_timer_(loop, [this] { loaded_ ? follow() : load(); }),
      fetch_timer_(loop, [this] { listener_.on_history(fetch_after_, true); }) {}

StoreFeed::~StoreFeed() {
  if (watching_) store_.unwatch(watch_);
  if (fetching_) store_.unwatch(fetch_watch_);
}

void StoreFeed::load() {
  ++round_;
  loaded_ = synced_ = false;
  complete_at_ = {};
  cache_.clear();
  load_page(0, {}, {});
}

// Each kind is listed at a revision of its own; the watch starts at the oldest of them, and what a
// kind's list had already seen is skipped.
void StoreFeed::load_page(std::size_t kind, std::string start_after, std::optional<Revision> at) {
  if (kind == api::kind_count) {
    all_loaded();
    return;
  }
  store::ListQuery query;
  query.kind = static_cast<Kind>(kind);
  query.limit = kLoadPage;
  query.start_after = std::move(start_after);
  query.at = at;
  store_.list(query, life_.tie([this, kind, round = round_](Result<store::ListPage> page) {
    if (round != round_) return;
    if (!page) {
      log_.warning("apiserver: loading failed", {{"why", page.error().message}});
      retry_later();
      return;
    }
    for (const ObjectPtr& object : page->objects) cache_.load(object);
    loaded_at_[kind] = page->revision;
    complete_at_ = std::max(complete_at_, page->revision);
    if (page->more) {
      load_page(kind, page->last, page->revision);
    } else {
      load_page(kind + 1, {}, {});
    }
  }));
}

void StoreFeed::all_loaded() {
  cache_.loaded(*std::min_element(loaded_at_.begin(), loaded_at_.end()), complete_at_);
  loaded_ = true;
  backoff_ = kBackoffMin;
  follow();
  check_synced();
}

void StoreFeed::follow() {
  KEELSON_ASSERT(!watching_);
  watching_ = true;
  watch_ = store_.watch(cache_.revision(), *this);
}

void StoreFeed::rewatch() {
  if (!watching_) return;
  log_.warning("apiserver: the store's watch has stalled, watching anew");
  store_.unwatch(watch_);
  watching_ = false;
  follow();
}

void StoreFeed::check_synced() {
  if (synced_ || cache_.revision() < complete_at_) return;
  synced_ = true;
  listener_.on_synced();
}

void StoreFeed::on_events(std::span<const store::StoreEvent> events) {
  backoff_ = kBackoffMin;
  for (const store::StoreEvent& event : events) {
    // A store that sends again what was seen (after a reconnect) is no reason to go back in time.
    if (event.revision <= cache_.revision()) continue;
    const Object& subject = event.object ? *event.object : *event.previous;
    const Revision loaded_at = loaded_at_[static_cast<std::size_t>(subject.kind())];
    if (event.revision <= loaded_at) {
      cache_.skip(event.revision);
    } else {
      listener_.on_change(cache_.apply(event));
    }
  }
  check_synced();
  listener_.on_events(events);
}

void StoreFeed::on_closed(Error why) {
  watching_ = false;
  if (why.code == Code::compacted) {
    log_.warning("apiserver: history was lost, loading anew", {{"why", why.message}});
    if (fetching_) {
      store_.unwatch(fetch_watch_);
      fetching_ = false;
    }
    if (std::exchange(synced_, false)) listener_.on_lost();
    load();
    return;
  }
  retry_later();
}

void StoreFeed::retry_later() {
  retry_timer_.arm(backoff_);
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
}

void StoreFeed::fetch_history(Revision after) {
  KEELSON_ASSERT(!fetching_);
  fetching_ = true;
  fetch_after_ = after;
  backfill_.events.clear();
  fetch_watch_ = store_.watch(after, backfill_);
}

void StoreFeed::Backfill::on_events(std::span<const store::StoreEvent> more) {
  for (const store::StoreEvent& event : more) {
    if (event.revision > feed_.cache_.floor()) break;
    events.push_back(event);
  }
  if (!more.empty() && more.back().revision >= feed_.cache_.floor()) {
    feed_.store_.unwatch(feed_.fetch_watch_);
    feed_.history_done(true);
  }
}

void StoreFeed::Backfill::on_closed(Error why) {
  if (why.code == Code::compacted) {
    feed_.history_done(false);
    return;
  }
  // The store is away: those who wait for history ask again a little later.
  feed_.fetching_ = false;
  feed_.fetch_timer_.arm(kBackoffMax);
}

void StoreFeed::history_done(bool available) {
  const std::vector<store::StoreEvent> events = std::exchange(backfill_.events, {});
  fetching_ = false;
  if (available) cache_.prepend(events, fetch_after_);
  listener_.on_history(fetch_after_, available);
}

}  // namespace keelson::apiserver
