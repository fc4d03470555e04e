// A small API server for tests of clients: get, list, create, update, remove, renew and watch over
// a real History, with switches for what networks and servers do to their clients. It validates
// nothing and knows no defaults, subresources or finalizers: an update replaces the object.
// Programs that use it link keelson_store.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/selector.hpp"
#include "core/base/loop.hpp"
#include "core/client/api_client.hpp"
#include "core/store/beats.hpp"
#include "core/store/history.hpp"

namespace keelson::test {

class FakeApi final : public client::ApiClient {
 public:
  explicit FakeApi(Loop& loop, store::HistoryOptions options = {})
      : loop_(loop), history_(options), alive_(std::make_shared<bool>(true)) {
    history_.observe([this](auto) { wake(); });
  }
  ~FakeApi() override { *alive_ = false; }

  // --- What can go wrong
  // ---------------------------------------------------------------------------
  int lose_requests = 0;        // the next calls do nothing and answer unknown_outcome
  int lose_replies = 0;         // the next calls take effect and answer unknown_outcome
  int refuse = 0;               // the next calls answer service_unavailable
  bool down = false;            // all calls answer service_unavailable, watches close at once
  bool hold_replies = false;    // calls take effect, answers wait for release_replies()
  bool stalled = false;         // watches stay open and say nothing
  int expire_next_watches = 0;  // the next watches answer 410
  // Watches of this kind say nothing.
  std::optional<api::Kind> stalled_kind;
  // Reads that need not be fresh, and all watches, see nothing newer than this.
  std::optional<api::Revision> lag;
  bool lies = false;  // lists answer from a lagging view even if asked for something newer

  void break_watches() {
    for (const auto& [id, sink] : take_watches()) sink->on_closed();
  }
  void expire_watches() {
    for (const auto& [id, sink] : take_watches()) send_expired(*sink);
  }
  void release_replies() {
    hold_replies = false;
    for (auto& reply : std::exchange(held_, {})) loop_.post(std::move(reply));
  }
  // To each watch that has seen everything.
  void send_bookmarks() {
    for (const uint64_t id : watch_ids()) {
      serve(id);
      const auto at = watches_.find(id);
      if (at == watches_.end() || stalled) continue;
      api::WatchEvent bookmark;
      bookmark.type = api::WatchType::bookmark;
      bookmark.revision = at->second.seen = std::max(at->second.seen, head());
      at->second.sink->on_events({&bookmark, 1});
    }
  }

  // --- The state, from the side
  // -------------------------------------------------------------------
  store::History& history() { return history_; }
  api::ObjectPtr put(api::ObjectPtr object) {
    store::Transaction transaction;
    transaction.writes.push_back({store::Write::Op::put, object->key(), with_uid(object)});
    return history_.commit(transaction).value().objects[0];
  }
  void erase(const api::ObjectKey& key) {
    store::Transaction transaction;
    transaction.writes.push_back({store::Write::Op::remove, key});
    KEELSON_ASSERT(history_.commit(transaction).ok());
  }
  std::size_t open_watches() const { return watches_.size(); }
  const std::vector<api::Request>& requests() const { return requests_; }
  int count(api::Verb verb) const {
    return static_cast<int>(std::count_if(requests_.begin(), requests_.end(),
                                          [&](const auto& r) { return r.verb == verb; }));
  }
  const std::vector<api::WatchRequest>& watch_requests() const { return watch_requests_; }

  // --- ApiClient
  // -----------------------------------------------------------------------------------
  void call(api::Request request, Callback<void(api::Response)> done) override {
    requests_.push_back(request);
    api::Response response;
    if (down || consume(refuse)) {
      response.error = api::service_unavailable("the server is away");
    } else if (consume(lose_requests)) {
      response.error = api::unknown_outcome("no answer");
    } else {
      response = handle(request);
      if (consume(lose_replies)) {
        response = {};
        response.error = api::unknown_outcome("no answer");
      }
    }
    Callback<void()> reply = [done = std::move(done), response = std::move(response)]() mutable {
      done(std::move(response));
    };
    if (hold_replies) {
      held_.push_back(std::move(reply));
    } else {
      loop_.post(std::move(reply));
    }
  }

  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override {
    watch_requests_.push_back(request);
    Watch watch{request, &sink, {}, {}, {}, false, consume(expire_next_watches)};
    watch.labels = api::LabelSelectorMatcher::parse(request.label_selector).value();
    watch.fields = api::FieldSelector::parse(request.kind, request.field_selector).value();
    watch.initial = !request.after || !*request.after;
    watch.seen = watch.initial ? head() : *request.after;
    watches_.emplace(++last_watch_, std::move(watch));
    wake();
    return {last_watch_};
  }
  void unwatch(api::WatchId watch) override { watches_.erase(watch.id); }

 private:
  struct Watch {
    api::WatchRequest request;
    api::WatchSink* sink = nullptr;
    api::LabelSelectorMatcher labels;
    api::FieldSelector fields;
    api::Revision seen;
    bool initial = false;
    bool expired = false;
    bool matches(const api::ObjectPtr& object) const {
      return object && object->kind() == request.kind &&
             (request.ns.empty() || object->ns() == request.ns) &&
             labels.matches(object->meta().labels()) && fields.matches(*object);
    }
  };

  static bool consume(int& times) { return times > 0 && times-- > 0; }
  api::Revision head() const {
    return lag ? std::min(*lag, history_.current()) : history_.current();
  }
  std::vector<uint64_t> watch_ids() const {
    std::vector<uint64_t> ids;
    for (const auto& [id, watch] : watches_) ids.push_back(id);
    return ids;
  }
  std::vector<std::pair<uint64_t, api::WatchSink*>> take_watches() {
    std::vector<std::pair<uint64_t, api::WatchSink*>> taken;
    for (const auto& [id, watch] : watches_) taken.emplace_back(id, watch.sink);
    watches_.clear();
    return taken;
  }
  static void send_expired(api::WatchSink& sink) {
    api::WatchEvent error;
    error.type = api::WatchType::error;
    error.error = api::expired("too old resource version");
    sink.on_events({&error, 1});
  }

  void wake() {
    if (std::exchange(woken_, true)) return;
    loop_.post([this, alive = alive_] {
      if (!*alive) return;
      woken_ = false;
      for (const uint64_t id : watch_ids()) serve(id);
    });
  }

  void serve(uint64_t id) {
    const auto at = watches_.find(id);
    if (at == watches_.end() || stalled || at->second.request.kind == stalled_kind) return;
    Watch& watch = at->second;
    api::WatchSink& sink = *watch.sink;
    std::vector<api::WatchEvent> out;
    if (down) {
      watches_.erase(at);
      sink.on_closed();
      return;
    }
    if (std::exchange(watch.initial, false)) {
      store::ListQuery query{watch.request.kind, watch.request.ns};
      query.at = watch.seen;
      const auto page = history_.list(query);
      for (const auto& object : page->objects) {
        if (watch.matches(object)) {
          out.push_back({api::WatchType::added, object->revision(), object});
        }
      }
    }
    while (watch.expired || watch.seen < head()) {
      const auto run = history_.events_after(watch.seen);
      if (watch.expired || !run.ok()) {
        watches_.erase(at);
        send_expired(sink);
        return;
      }
      for (const store::StoreEvent& event : run->events) {
        if (event.revision > head()) break;
        watch.seen = event.revision;
        translate(watch, event, out);
      }
    }
    if (!out.empty()) sink.on_events(out);
  }

  static void translate(const Watch& watch, const store::StoreEvent& event,
                        std::vector<api::WatchEvent>& out) {
    const bool before = watch.matches(event.previous);
    const bool after = watch.matches(event.object);
    if (!before && !after) return;
    const auto type = !before  ? api::WatchType::added
                      : !after ? api::WatchType::removed
                               : api::WatchType::modified;
    out.push_back({type, event.revision, after ? event.object : event.previous});
  }

  // --- Requests
  // -------------------------------------------------------------------------------------
  api::ObjectPtr with_uid(const api::ObjectPtr& object) {
    const api::ObjectPtr old = history_.find(object->key());
    if (!object->uid().empty()) return object;
    std::shared_ptr<api::Message> body(object->message().New());
    body->CopyFrom(object->message());
    api::mutable_meta_of(object->kind(), *body)
        .set_uid(old ? old->uid() : "uid-" + std::to_string(++last_uid_));
    return std::make_shared<const api::Object>(object->kind(), std::move(body));
  }

  static api::ApiError to_api(const Error& error, const api::Request& request) {
    switch (error.code) {
      case Code::not_found: return api::not_found(request.kind, request.name);
      case Code::exists: return api::already_exists(request.kind, request.name);
      case Code::conflict: return api::conflict_modified(request.kind, request.name);
      case Code::compacted: return api::expired(error.message);
      case Code::fenced: {
        api::ApiError refused = api::forbidden(request.kind, request.name, error.message);
        refused.fenced = true;
        return refused;
      }
      default: return api::internal_error(error.message);
    }
  }

  api::Response handle(const api::Request& request) {
    if (request.subresource == api::Subresource::token) return token(request);
    switch (request.verb) {
      case api::Verb::get: return get(request);
      case api::Verb::list: return list(request);
      case api::Verb::create:
      case api::Verb::update: return write(request);
      case api::Verb::remove: return remove(request);
      case api::Verb::renew: {
        api::Response response;
        if (history_.find({api::Kind::nodes, "", request.beat.node})) {
          beats_.beat(request.beat);
        } else {
          response.error = api::not_found(api::Kind::nodes, request.beat.node);
        }
        return response;
      }
      case api::Verb::list_beats: {
        api::Response response;
        store::BeatPage page = beats_.since(request.beat_cursor);
        response.beats = std::move(page.beats);
        response.beat_cursor = page.cursor;
        return response;
      }
      default: break;
    }
    api::Response response;
    response.error = api::bad_request("the fake server does not know this verb");
    return response;
  }

  // As asked for, numbered.
  api::Response token(const api::Request& request) {
    api::Response response;
    auto answer = std::make_shared<api::TokenRequest>();
    answer->CopyFrom(*request.body);
    answer->mutable_status()->set_token("token-" + std::to_string(++tokens_));
    response.message = std::move(answer);
    return response;
  }

  api::Response get(const api::Request& request) {
    api::Response response;
    response.object = history_.find({request.kind, request.ns, request.name});
    if (!response.object) response.error = api::not_found(request.kind, request.name);
    return response;
  }

  // A continue token is "<epoch> <value> <namespace>/<name>".
  api::Response list(const api::Request& request) {
    api::Response response;
    store::ListQuery query{request.kind, request.ns, request.limit};
    if (!request.continue_token.empty()) {
      const std::string& token = request.continue_token;
      const auto first = token.find(' '), second = token.find(' ', first + 1);
      query.at = api::Revision{std::stoull(token), std::stoull(token.substr(first))};
      query.start_after = token.substr(second + 1);
    } else if (request.resource_version) {
      query.at = head();
      if (*request.resource_version > head() && !lies) {
        response.error = api::timeout("Too large resource version");
        return response;
      }
    }
    const auto page = history_.list(query);
    if (!page.ok()) {
      response.error = to_api(page.error(), request);
      return response;
    }
    const auto labels = api::LabelSelectorMatcher::parse(request.label_selector).value();
    const auto fields = api::FieldSelector::parse(request.kind, request.field_selector).value();
    for (const auto& object : page->objects) {
      if (labels.matches(object->meta().labels()) && fields.matches(*object)) {
        response.items.push_back(object);
      }
    }
    response.revision = page->revision;
    if (page->more) {
      response.continue_token = std::to_string(page->revision.epoch) + ' ' +
                                std::to_string(page->revision.value) + ' ' + page->last;
    }
    return response;
  }

  api::Response write(const api::Request& request) {
    std::shared_ptr<api::Message> body(request.body->New());
    body->CopyFrom(*request.body);
    api::ObjectMeta& meta = api::mutable_meta_of(request.kind, *body);
    if (meta.name().empty()) meta.set_name(meta.generate_name() + std::to_string(++last_name_));
    auto object = with_uid(std::make_shared<const api::Object>(request.kind, std::move(body)));
    const api::ObjectPtr old = history_.find(object->key());

    store::Transaction transaction;
    store::Write write{store::Write::Op::put, object->key(), object};
    if (request.verb == api::Verb::create) {
      write.absent = true;
    } else {
      write.uid = object->uid();
      write.revision = request.expected.revision;
    }
    if (request.kind == api::Kind::leases) {
      const auto holder = [](const api::ObjectPtr& lease) {
        return lease ? lease->as<api::Lease>().spec().holder_identity() : std::string();
      };
      if (holder(old) != holder(object)) {
        transaction.grant_role = object->ns() + '/' + object->name();
      }
    }
    transaction.writes.push_back(std::move(write));
    return commit(request, std::move(transaction));
  }

  api::Response remove(const api::Request& request) {
    store::Transaction transaction;
    store::Write write{store::Write::Op::remove, {request.kind, request.ns, request.name}};
    write.uid = request.expected.uid;
    write.revision = request.expected.revision;
    transaction.writes.push_back(std::move(write));
    return commit(request, std::move(transaction));
  }

  api::Response commit(const api::Request& request, store::Transaction transaction) {
    api::Response response;
    transaction.fence = request.fence;
    const auto committed = history_.commit(transaction);
    if (!committed.ok()) {
      response.error = to_api(committed.error(), request);
      return response;
    }
    response.revision = committed->revision;
    if (request.verb == api::Verb::remove) {
      response.removed_uid = committed->objects[0]->uid();
    } else {
      response.object = committed->objects[0];
    }
    return response;
  }

  Loop& loop_;
  store::History history_;
  store::BeatBoard beats_;
  std::map<uint64_t, Watch> watches_;
  uint64_t last_watch_ = 0, last_uid_ = 0, last_name_ = 0;
  bool woken_ = false;
  std::vector<Callback<void()>> held_;
  std::vector<api::Request> requests_;
  std::vector<api::WatchRequest> watch_requests_;
  std::shared_ptr<bool> alive_;
  int tokens_ = 0;
};

}  // namespace keelson::test
