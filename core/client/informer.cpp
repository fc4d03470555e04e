#include "core/client/informer.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "core/base/seeded_bug.hpp"

namespace keelson::client {
namespace {

bool history_gone(const api::ApiError& error) {
  return error.reason == api::Reason::expired || error.reason == api::Reason::gone;
}

}  // namespace

Informer::Informer(Loop& loop, ApiClient& client, Rng rng, InformerOptions options)
    : loop_(loop),
      client_(client),
      rng_(rng),
      options_(std::move(options)),
      retry_timer_(loop, [this] { on_retry(); }),
      progress_timer_(loop, [this] { on_progress_timer(); }),
      alive_(std::make_shared<bool>(true)) {}

Informer::~Informer() {
  *alive_ = false;
  end_watch();
}

void Informer::start() {
  relist_ = true;
  list();
}

api::ObjectPtr Informer::get(const std::string& ns, const std::string& name) const {
  return objects_.get({ns, name});
}

// The oldest state that this informer may still believe.
api::Revision Informer::floor() const {
  if (seeded(SeededBug::relist_rv0)) return revision_;
  return std::max(revision_, options_.not_before);
}

void Informer::list() {
  api::Request request;
  request.verb = api::Verb::list;
  request.kind = options_.kind;
  request.ns = options_.ns;
  request.label_selector = options_.label_selector;
  request.field_selector = options_.field_selector;
  request.user = options_.user;
  request.actor = options_.actor;
  request.continue_token = continue_token_;
  // Whoever has seen something is content with any view at least that new. Whoever has not must ask
  // for the most recent one: any cache would do for "whatever you have", also one that is older
  // than what this actor saw before its restart (kubernetes#59848).
  if (continue_token_.empty()) {
    if (const api::Revision seen = floor()) {
      request.resource_version = seen;
    } else if (seeded(SeededBug::relist_rv0)) {
      request.resource_version = api::Revision{};
    }
  }
  if (resume_at_head_) request.limit = 1;
  client_.call(std::move(request), [this, alive = alive_](api::Response response) {
    if (*alive) on_listed(std::move(response));
  });
}

void Informer::on_listed(api::Response response) {
  if (!response.ok()) {
    // Also when a page has expired: what came before belongs to a snapshot that cannot be
    // completed.
    pages_.clear();
    continue_token_.clear();
    retry();
    return;
  }
  if (std::exchange(resume_at_head_, false)) {  // only with SeededBug::gone_resume
    revision_ = std::max(revision_, response.revision);
    relist_ = false;
    watch();
    return;
  }
  if (response.revision < floor()) {
    // A server that lags behind and does not know it. Try again, perhaps elsewhere.
    pages_.clear();
    continue_token_.clear();
    retry();
    return;
  }
  if (pages_.empty()) {
    pages_ = std::move(response.items);
  } else {
    std::move(response.items.begin(), response.items.end(), std::back_inserter(pages_));
  }
  continue_token_ = std::move(response.continue_token);
  if (!continue_token_.empty()) {
    list();
    return;
  }
  replace(std::exchange(pages_, {}));
  revision_ = response.revision;
  synced_ = true;
  relist_ = false;
  backoff_ = {};
  for (const auto& handler : progress_) handler();
  watch();
}

// Makes the cache what the list says, and tells the handlers the difference: deletions that
// happened while nobody watched show as objects that are not listed any more.
void Informer::replace(std::vector<api::ObjectPtr> items) {
  const auto by_key = [](const api::ObjectPtr& a, const api::ObjectPtr& b) {
    return std::tie(a->ns(), a->name()) < std::tie(b->ns(), b->name());
  };
  if (!std::is_sorted(items.begin(), items.end(), by_key)) {
    std::sort(items.begin(), items.end(), by_key);
  }
  std::vector<api::Name> removed;
  auto item = items.begin();
  for (const auto& [key, object] : objects_) {
    while (item != items.end() &&
           std::tie((*item)->ns(), (*item)->name()) < std::tie(key.ns, key.name)) {
      ++item;
    }
    const bool listed =
        item != items.end() && (*item)->ns() == key.ns && (*item)->name() == key.name;
    if (!listed) removed.push_back(key);
  }
  // Removals first: a consumer that counts (capacity, quotas) never sees more than there was.
  for (const api::Name& key : removed) forget(key.ns, key.name);
  for (const api::ObjectPtr& object : items) apply(object);
}

void Informer::forget(const std::string& ns, const std::string& name) {
  if (const api::ObjectPtr before = objects_.erase({ns, name})) notify(before, nullptr);
}

void Informer::apply(const api::ObjectPtr& after) {
  const api::ObjectPtr before = objects_.set(after);
  if (!before) {
    notify(nullptr, after);
    return;
  }
  // Known already. Not "is newer": after a failover of the store a list brings back older states,
  // and that they may be believed was decided by the revision of the list or event as a whole.
  if (after->revision() == before->revision()) return;
  if (before->uid() == after->uid()) {
    notify(before, after);
    return;
  }
  notify(before, nullptr);
  notify(nullptr, after);
}

void Informer::notify(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  for (const ChangeHandler& handler : handlers_) handler(before, after);
}

void Informer::watch() {
  api::WatchRequest request;
  request.kind = options_.kind;
  request.ns = options_.ns;
  request.label_selector = options_.label_selector;
  request.field_selector = options_.field_selector;
  request.after = revision_;
  request.bookmarks = true;
  request.user = options_.user;
  request.actor = options_.actor;
  watch_ = client_.watch(request, *this);
  last_progress_ = loop_.now();
  progress_timer_.arm(options_.progress_timeout);
}

void Informer::end_watch() {
  if (watch_.id != 0) client_.unwatch(std::exchange(watch_, {}));
}

void Informer::on_events(std::span<const api::WatchEvent> events) {
  const api::Revision before = revision_;
  for (const api::WatchEvent& event : events) {
    if (!on_event(event)) break;
  }
  if (revision_ == before) return;
  for (const auto& handler : progress_) handler();
}

bool Informer::on_event(const api::WatchEvent& event) {
  if (event.type == api::WatchType::error) {
    watch_ = {};
    if (history_gone(event.error)) {
      if (seeded(SeededBug::gone_resume)) resume_at_head_ = true;
      relist_ = true;
    }
    retry();
    return false;
  }
  if (event.revision.epoch > revision_.epoch) {
    // The store has lost history since this watch began: what was seen may not exist any more, and
    // no event will say so (GUARANTEES ST-11).
    end_watch();
    relist_ = true;
    retry();
    return false;
  }
  // Older than what was seen: a server that lags behind, or a repetition. Such a server makes no
  // progress either, so that a watch stuck on it is given up in the end.
  if (event.revision < revision_) return true;
  last_progress_ = loop_.now();
  backoff_ = {};
  if (event.type == api::WatchType::bookmark) {
    revision_ = event.revision;
    return true;
  }
  if (event.revision == revision_ || !event.object) return true;
  if (event.type == api::WatchType::removed) {
    forget(event.object->ns(), event.object->name());
  } else {
    apply(event.object);
  }
  revision_ = event.revision;
  return true;
}

void Informer::on_closed() {
  watch_ = {};
  retry();
}

void Informer::on_progress_timer() {
  if (watch_.id == 0) return;
  const Duration silent = loop_.now() - last_progress_;
  if (silent < options_.progress_timeout) {
    progress_timer_.arm(options_.progress_timeout - silent);
    return;
  }
  end_watch();
  retry();
}

// All that ends badly comes here: a list that failed, a watch that closed.
void Informer::retry() {
  backoff_ =
      backoff_ == Duration{} ? options_.backoff_min : std::min(backoff_ * 2, options_.backoff_max);
  // Spread over a whole back-off, or thousands of agents come back to a restarted server at once.
  retry_timer_.arm(rng_.between(backoff_ / 2, backoff_ + backoff_ / 2));
}

void Informer::on_retry() {
  KEELSON_ASSERT(watch_.id == 0);
  if (relist_) {
    list();
  } else {
    watch();
  }
}

}  // namespace keelson::client
