#include "core/apiserver/watch_hub.hpp"

#include <algorithm>

#include "core/apiserver/scope.hpp"
#include "core/base/seeded_bug.hpp"

namespace keelson::apiserver {

namespace {

using api::WatchEvent;
using api::WatchType;

// A delivery to one watcher takes the server 10 to 20 us, most of it in the kernel. Resting for more
// than that, for each of them, bounds what fanning out can take of a core, and is hardly felt: a
// change after a quiet moment goes out at once. Small groups have no need of it.
constexpr std::size_t kRestsFrom = 64;
constexpr Duration kRestPerWatcher = 30us;
constexpr Duration kRestMax = 50ms;

// What a client that can be blocked is sent of a backlog between two looks at whether it is.
constexpr std::size_t kSlice = 64;

Duration rest_of(std::size_t watchers) {
  if (watchers < kRestsFrom) return {};
  return std::min<Duration>(kRestPerWatcher * watchers, kRestMax);
}

WatchEvent event_of(WatchType type, Revision revision, ObjectPtr object) {
  WatchEvent event;
  event.type = type;
  event.revision = revision;
  event.object = std::move(object);
  return event;
}

WatchEvent bookmark_of(Revision revision, bool initial_end) {
  WatchEvent event = event_of(WatchType::bookmark, revision, nullptr);
  event.initial_end = initial_end;
  return event;
}

std::string name_bucket(std::string_view ns, std::string_view name) {
  std::string key(ns);
  key += '\0';
  key += name;
  return key;
}

ApiError too_old(Revision asked, Revision oldest) {
  return api::expired("too old resource version: " + api::to_string(asked) + " (" +
                      api::to_string(oldest) + ")");
}

}  // namespace

WatchHub::WatchHub(Loop& loop, const WatchCache& cache, const ApiServerOptions& options,
                   std::function<void(Revision)> need_history)
    : loop_(loop),
      cache_(cache),
      options_(options),
      need_history_(std::move(need_history)),
      rest_timer_(loop, [this] { flush(Flush::due); }),
      bookmark_timer_(loop, [this] { bookmark_tick(); }) {
  bookmark_timer_.arm(options_.bookmark_period / kSlots);
}

WatchHub::~WatchHub() = default;

bool WatchHub::Group::matches(const Object& object) const {
  if (!filtered) return true;
  return labels.matches(object.meta().labels()) && fields.matches(object);
}

// --- Coming and going ----------------------------------------------------------------------------

api::WatchId WatchHub::open(const api::WatchRequest& request, api::WatchSink& sink,
                            PacedSink* paced) {
  auto watcher = std::make_shared<Watcher>();
  watcher->id = ++last_id_;
  watcher->sink = &sink;
  watcher->paced = paced;
  watcher->after = request.after;
  watcher->bookmarks = request.bookmarks || request.send_initial_events;
  watcher->initial_events = request.send_initial_events;
  if (const GroupPtr group = group_of(request, &watcher->refusal)) {
    watcher->group = group.get();
    group->watchers.push_back(watcher);
  }
  watchers_.emplace(watcher->id, watcher);
  slots_[watcher->id % kSlots].push_back(watcher->id);
  return {watcher->id};
}

WatchHub::GroupPtr WatchHub::group_of(const api::WatchRequest& request, ApiError* error) {
  std::string scope = std::to_string(static_cast<int>(request.kind));
  for (const std::string* part : {&request.ns, &request.label_selector, &request.field_selector}) {
    scope += '\0';
    scope += *part;
  }
  GroupPtr& group = groups_[scope];
  if (group) return group;
  const auto labels = api::LabelSelectorMatcher::parse(request.label_selector);
  const auto fields = api::FieldSelector::parse(request.kind, request.field_selector);
  if (!labels || !fields) {
    *error = api::bad_request((labels ? fields.error() : labels.error()).message);
    groups_.erase(scope);
    return nullptr;
  }
  group = std::make_shared<Group>();
  group->scope = scope;
  group->kind = request.kind;
  group->ns = request.ns;
  group->labels = *labels;
  group->fields = *fields;
  group->filtered = !labels->empty() || !fields->empty();
  index(*group);
  return group;
}

// Each group stands in exactly one place, the most selective one, so no change finds it twice.
void WatchHub::index(Group& group) {
  Index& of_kind = indexes_[static_cast<std::size_t>(group.kind)];
  const std::string* node =
      group.kind == Kind::pods ? group.fields.required("spec.nodeName") : nullptr;
  const std::string* name = group.fields.required("metadata.name");
  const std::string* in = group.fields.required("metadata.namespace");
  const std::string& ns = group.ns.empty() && in ? *in : group.ns;
  Buckets* buckets = nullptr;
  if (node && !node->empty()) {
    buckets = &of_kind.by_node;
    group.bucket = *node;
  } else if (name) {
    buckets = &of_kind.by_name;
    group.bucket = name_bucket(ns, *name);
  } else if (!ns.empty()) {
    buckets = &of_kind.by_ns;
    group.bucket = ns;
  }
  group.indexed_in = buckets ? &(*buckets)[group.bucket] : &of_kind.all;
  group.indexed_in->push_back(&group);
}

void WatchHub::leave(const WatcherPtr& watcher) {
  Group* group = std::exchange(watcher->group, nullptr);
  if (!group) return;
  if (watcher->live) --group->live;
  std::erase(group->watchers, watcher);
  if (!group->watchers.empty()) return;
  std::erase(*group->indexed_in, group);
  Index& of_kind = indexes_[static_cast<std::size_t>(group->kind)];
  if (group->indexed_in->empty() && group->indexed_in != &of_kind.all) {
    for (Buckets* buckets : {&of_kind.by_ns, &of_kind.by_name, &of_kind.by_node}) {
      const auto found = buckets->find(group->bucket);
      if (found != buckets->end() && &found->second == group->indexed_in) {
        buckets->erase(found);
        break;
      }
    }
  }
  groups_.erase(std::string(group->scope));
}

void WatchHub::end(const WatcherPtr& watcher) {
  watcher->sink = nullptr;
  leave(watcher);
  std::erase(slots_[watcher->id % kSlots], watcher->id);
  watchers_.erase(watcher->id);
}

void WatchHub::remove(api::WatchId watch) {
  const auto found = watchers_.find(watch.id);
  if (found != watchers_.end()) end(WatcherPtr(found->second));
}

void WatchHub::schedule_ending(const WatcherPtr& watcher) {
  watcher->closing = true;
  loop_.post(life_.tie([this, watcher] {
    api::WatchSink* sink = watcher->sink;
    if (!sink) return;
    end(watcher);
    if (watcher->refusal.ok()) {
      sink->on_closed();
      return;
    }
    WatchEvent event = event_of(WatchType::error, cache_.revision(), nullptr);
    event.error = watcher->refusal;
    sink->on_events({&event, 1});
  }));
}

void WatchHub::refuse(api::WatchId watch, ApiError error) {
  const auto found = watchers_.find(watch.id);
  if (found == watchers_.end() || found->second->closing) return;
  found->second->refusal = std::move(error);
  schedule_ending(found->second);
}

void WatchHub::close(api::WatchId watch) {
  refuse(watch, {});
}

void WatchHub::attach(api::WatchId watch) {
  const auto found = watchers_.find(watch.id);
  if (found == watchers_.end() || found->second->closing) return;
  const WatcherPtr watcher = found->second;
  if (!watcher->group) {
    schedule_ending(watcher);
    return;
  }
  const bool initial = watcher->initial_events || !watcher->after || !*watcher->after;
  if (!initial && watcher->after->epoch == 0) {
    // From the wire: resourceVersions have no epoch. Values never fall, also not across epochs.
    watcher->after->epoch = cache_.revision().epoch;
  }
  if (!initial && seeded(SeededBug::watch_off_by_one) && *watcher->after < cache_.loaded_at()) {
    const auto& history = cache_.history(watcher->group->kind);
    const bool new_here = history.empty() || history.back().revision <= cache_.loaded_at();
    if (new_here) watcher->after = cache_.revision();
  }
  if (!initial && *watcher->after < cache_.floor()) {
    waiting_.push_back(watcher);
    ask_history();
    return;
  }
  start_live(watcher);
}

void WatchHub::start_live(const WatcherPtr& watcher) {
  if (watcher->initial_events || !watcher->after || !*watcher->after) {
    list_initial(*watcher);
    watcher->delivered = cache_.revision();
  } else {
    replay(*watcher);
    watcher->delivered = std::max(*watcher->after, cache_.revision());
  }
  watcher->live = true;
  ++watcher->group->live;
  if (!watcher->backlog.empty()) send_backlog_soon(watcher);
}

void WatchHub::list_initial(Watcher& watcher) {
  const Group& group = *watcher.group;
  each_candidate(cache_, group.kind, group.ns, group.fields, [&](const ObjectPtr& object) {
    if (group.matches(*object)) watcher.backlog.begin_with(object);
    return true;
  });
  if (watcher.initial_events) watcher.backlog.push(bookmark_of(cache_.revision(), true));
}

void WatchHub::replay(Watcher& watcher) {
  const Group& group = *watcher.group;
  const auto& changes = cache_.history(group.kind);
  for (std::size_t i = cache_.first_after(group.kind, *watcher.after); i < changes.size(); ++i) {
    const Change& change = changes[i];
    if (!group.ns.empty() && change.subject().ns() != group.ns) continue;
    ObjectPtr gone;
    WatchEvent event;
    if (make_event(group, change, gone, &event)) watcher.backlog.push(std::move(event));
  }
}

// --- History that is not in memory ---------------------------------------------------------------

void WatchHub::ask_history() {
  std::optional<Revision> oldest;
  for (const WatcherPtr& watcher : waiting_) {
    if (watcher->sink && (!oldest || *watcher->after < *oldest)) oldest = watcher->after;
  }
  if (oldest) need_history_(*oldest);
}

void WatchHub::history_came(Revision asked, bool available) {
  const auto waiting = std::exchange(waiting_, {});
  for (const WatcherPtr& watcher : waiting) {
    if (!watcher->sink || watcher->closing) continue;
    if (*watcher->after >= cache_.floor()) {
      start_live(watcher);
    } else if (!available && *watcher->after <= asked) {
      refuse({watcher->id}, too_old(*watcher->after, cache_.floor()));
    } else {
      waiting_.push_back(watcher);
    }
  }
  if (!waiting_.empty()) ask_history();
}

void WatchHub::expire_all(Revision now) {
  waiting_.clear();
  std::vector<uint64_t> ids;
  for (const auto& [id, watcher] : watchers_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    const WatcherPtr& watcher = watchers_[id];
    // One that has not begun to receive has lost nothing: it can simply come again.
    const bool begun = watcher->live || (watcher->after && *watcher->after);
    refuse({id},
           begun ? too_old(watcher->live ? watcher->delivered : *watcher->after, now) : ApiError{});
  }
}

// --- Events --------------------------------------------------------------------------------------

bool WatchHub::make_event(const Group& group, const Change& change, const ObjectPtr& gone,
                          WatchEvent* event) const {
  const bool was = change.before && group.matches(*change.before);
  const bool is = change.after && group.matches(*change.after);
  if (is) {
    *event = event_of(was ? WatchType::modified : WatchType::added, change.revision, change.after);
  } else if (was) {
    *event = event_of(WatchType::removed, change.revision, gone ? gone : change.gone());
  }
  return is || was;
}

void WatchHub::offer(Group& group, const Change& change, const ObjectPtr& gone) {
  if (group.live == 0) return;
  WatchEvent event;
  if (!make_event(group, change, gone, &event)) return;
  group.batch.push_back(std::move(event));
  touch(group);
}

void WatchHub::publish(const Change& change) {
  const Object& subject = change.subject();
  Index& of_kind = indexes_[static_cast<std::size_t>(subject.kind())];
  const ObjectPtr gone = change.after ? nullptr : change.gone();
  const auto offer_all = [&](const Buckets& buckets, std::string_view key) {
    const auto found = buckets.find(key);
    if (found == buckets.end()) return;
    for (Group* group : found->second) offer(*group, change, gone);
  };
  for (Group* group : of_kind.all) offer(*group, change, gone);
  if (!of_kind.by_ns.empty()) offer_all(of_kind.by_ns, subject.ns());
  if (!of_kind.by_name.empty()) {
    offer_all(of_kind.by_name, name_bucket(subject.ns(), subject.name()));
    if (!subject.ns().empty()) offer_all(of_kind.by_name, name_bucket("", subject.name()));
  }
  if (of_kind.by_node.empty()) return;
  const auto node = [](const ObjectPtr& pod) -> std::string_view {
    if (!pod) return {};
    return pod->as<api::Pod>().spec().node_name();
  };
  const std::string_view from = node(change.before), to = node(change.after);
  if (!to.empty()) offer_all(of_kind.by_node, to);
  if (!from.empty() && from != to) offer_all(of_kind.by_node, from);
}

void WatchHub::touch(Group& group) {
  if (!group.dirty) {
    group.dirty = true;
    dirty_.push_back(group.shared_from_this());
  }
  if (flush_posted_) return;
  flush_posted_ = true;
  loop_.post(life_.tie([this] {
    flush_posted_ = false;
    flush(Flush::due);
  }));
}

// Sinks may open and remove watches while they are called: what is iterated over is held, and a
// watcher that joins a group now has nothing in this batch.
void WatchHub::flush(Flush which) {
  const Revision upto = cache_.revision();
  const Instant now = loop_.now();
  const auto groups = std::exchange(dirty_, {});
  for (const GroupPtr& group : groups) {
    if (which == Flush::due && group->rests_until > now) {
      dirty_.push_back(group);
      rest_timer_.arm_by(group->rests_until - now);
      continue;
    }
    group->dirty = false;
    group->rests_until = now + rest_of(group->live);
    const auto batch = std::exchange(group->batch, {});
    const auto watchers = group->watchers;
    for (const WatcherPtr& watcher : watchers) {
      if (watcher->live && watcher->sink && !watcher->closing) deliver(watcher, batch, upto);
    }
  }
}

void WatchHub::deliver(const WatcherPtr& watcher, std::span<const WatchEvent> batch,
                       Revision upto) {
  const auto fresh =
      std::upper_bound(batch.begin(), batch.end(), watcher->delivered,
                       [](Revision r, const WatchEvent& event) { return r < event.revision; });
  batch = batch.subspan(static_cast<std::size_t>(fresh - batch.begin()));
  watcher->delivered = std::max(watcher->delivered, upto);
  const bool blocked = watcher->paced && watcher->paced->blocked();
  if (!blocked && watcher->backlog.empty()) {
    if (!batch.empty()) watcher->sink->on_events(batch);
    return;
  }
  watcher->backlog.push(batch);
  watcher->behind += batch.size();
  if (!blocked) {
    send_backlog(watcher);
  } else if (watcher->behind > options_.watch_buffer_max) {
    // Slow clients are dropped, not waited for: this one resumes after the last event it has seen.
    close({watcher->id});
  }
}

// As much as the sink takes: clients that begin with all that there is and do not read must not fill
// the memory with copies of it.
void WatchHub::send_backlog(const WatcherPtr& watcher) {
  const std::size_t slice = watcher->paced ? kSlice : static_cast<std::size_t>(-1);
  while (!watcher->backlog.empty()) {
    if (!watcher->sink || watcher->closing) return;
    if (watcher->paced && watcher->paced->blocked()) return;
    const std::vector<WatchEvent> events = watcher->backlog.take(slice);
    watcher->behind = std::min(watcher->behind, watcher->backlog.size());
    watcher->sink->on_events(events);
  }
}

void WatchHub::send_backlog_soon(const WatcherPtr& watcher) {
  loop_.post(life_.tie([this, watcher] {
    if (watcher->live) send_backlog(watcher);
  }));
}

void WatchHub::resumed(api::WatchId watch) {
  const auto found = watchers_.find(watch.id);
  if (found != watchers_.end() && !found->second->backlog.empty()) {
    send_backlog_soon(found->second);
  }
}

void WatchHub::bookmark_tick() {
  bookmark_timer_.arm(options_.bookmark_period / kSlots);
  const std::vector<uint64_t> ids = slots_[slot_];
  slot_ = (slot_ + 1) % kSlots;
  if (ids.empty()) return;
  // A bookmark promises that everything up to it was delivered (ST-6).
  flush(Flush::all);
  const WatchEvent bookmark = bookmark_of(cache_.revision(), false);
  for (const uint64_t id : ids) {
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) continue;
    const WatcherPtr watcher = found->second;
    if (!watcher->live || watcher->closing || !watcher->bookmarks || !watcher->backlog.empty() ||
        watcher->delivered > bookmark.revision) {
      continue;
    }
    if (watcher->paced && watcher->paced->blocked()) continue;
    watcher->sink->on_events({&bookmark, 1});
  }
}

}  // namespace keelson::apiserver
