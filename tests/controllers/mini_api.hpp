// As much of an API server as the controllers notice: optimistic concurrency, uids, generations,
// the status subresource, finalizers, graceful deletion, fencing, watches; with faults. One
// process, one store, no validation.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/client/api_client.hpp"

namespace keelson::test {

class MiniApi final : public client::ApiClient {
 public:
  explicit MiniApi(Loop& loop) : loop_(loop) {}

  // --- Faults
  // -------------------------------------------------------------------------------------- Decides
  // about each call by its number, from 1: what the network does to it.
  enum class Fate { normal, lose_request, lose_reply, duplicate, unavailable };
  std::function<Fate(uint64_t, const api::Request&)> fate;
  bool hold_replies = false;       // answers are kept until release_replies()
  std::set<api::Kind> held_kinds;  // watches of these kinds say nothing until release()
  uint64_t token = 0;              // requests with a fence below this are refused
  std::function<api::ApiError(const api::Request&)> refuse;

  void release_replies() {
    hold_replies = false;
    for (auto& reply : std::exchange(held_replies_, {})) loop_.post(std::move(reply));
  }
  void release() {
    held_kinds.clear();
    wake();
  }
  void send_bookmarks() {
    for (const uint64_t id : watch_ids()) {
      serve(id);
      const auto at = watches_.find(id);
      if (at == watches_.end() || held_kinds.contains(at->second.kind)) continue;
      api::WatchEvent bookmark;
      bookmark.type = api::WatchType::bookmark;
      bookmark.revision = at->second.seen = head();
      at->second.sink->on_events({&bookmark, 1});
    }
  }

  // --- The state, from the side
  // --------------------------------------------------------------------
  std::function<void(const api::ObjectPtr& before, const api::ObjectPtr& after)> on_commit;
  std::vector<api::Request> calls;  // mutating ones only

  api::ObjectPtr find(api::Kind kind, const std::string& name,
                      const std::string& ns = "default") const {
    const auto at = objects_.find({kind, api::info(kind).namespaced ? ns : "", name});
    return at == objects_.end() ? nullptr : at->second;
  }
  template <class M>
  std::vector<api::Ref<M>> all(const std::string& ns = {}) const {
    std::vector<api::Ref<M>> found;
    for (const auto& [key, object] : objects_) {
      if (key.kind == api::kind_of<M> && (ns.empty() || key.ns == ns)) found.emplace_back(object);
    }
    return found;
  }
  api::ObjectPtr create(const api::ObjectPtr& object) { return must(api::create(object)); }
  // Changes whatever is stored now, as an agent or a user with kubectl does.
  template <class M, class F>
  api::ObjectPtr change(const api::Ref<M>& object, F&& how, bool status = false) {
    M message = *api::Ref<M>(objects_.at(object.object().key()));
    how(message);
    const auto changed = api::make_object(std::move(message));
    return must(status ? api::update_status(changed) : api::update(changed));
  }
  void erase(const api::ObjectKey& key) { commit(key, nullptr); }
  api::Response apply(const api::Request& request) { return handle(request); }
  api::Revision head() const { return {1, revision_}; }

  // --- ApiClient
  // -----------------------------------------------------------------------------------
  void call(api::Request request, Callback<void(api::Response)> done) override {
    const bool reads = request.verb == api::Verb::get || request.verb == api::Verb::list;
    if (!reads && request.kind != api::Kind::events) calls.push_back(request);
    const Fate what = fate ? fate(++calls_made_, request) : Fate::normal;
    api::Response response;
    if (what == Fate::unavailable) {
      response.error = api::service_unavailable("away");
    } else if (what == Fate::lose_request) {
      response.error = api::unknown_outcome("no answer");
    } else {
      response = handle(request);
      if (what == Fate::duplicate) handle(request);
      if (what == Fate::lose_reply) {
        response = {};
        response.error = api::unknown_outcome("no answer");
      }
    }
    Callback<void()> reply = [done = std::move(done), response = std::move(response)]() mutable {
      done(std::move(response));
    };
    if (hold_replies) {
      held_replies_.push_back(std::move(reply));
    } else {
      loop_.post(std::move(reply));
    }
  }
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override {
    Watch& watch = watches_[++last_watch_];
    watch.kind = request.kind;
    watch.sink = &sink;
    watch.seen = request.after.value_or(head());
    wake();
    return {last_watch_};
  }
  void unwatch(api::WatchId watch) override { watches_.erase(watch.id); }

 private:
  struct Watch {
    api::Kind kind{};
    api::WatchSink* sink = nullptr;
    api::Revision seen;
  };

  api::ObjectPtr must(const api::Request& request) {
    api::Response response = handle(request);
    KEELSON_ASSERT_WHY(response.ok(), response.error.message.c_str());
    return response.object;
  }
  std::vector<uint64_t> watch_ids() const {
    std::vector<uint64_t> ids;
    for (const auto& [id, watch] : watches_) ids.push_back(id);
    return ids;
  }
  void wake() {
    if (std::exchange(woken_, true)) return;
    loop_.post([this] {
      woken_ = false;
      for (const uint64_t id : watch_ids()) serve(id);
    });
  }
  void serve(uint64_t id) {
    const auto at = watches_.find(id);
    if (at == watches_.end() || held_kinds.contains(at->second.kind)) return;
    Watch& watch = at->second;
    std::vector<api::WatchEvent> events;
    for (auto event = log_.upper_bound(watch.seen); event != log_.end(); ++event) {
      watch.seen = event->first;
      if (event->second.object->kind() == watch.kind) events.push_back(event->second);
    }
    if (!events.empty()) watch.sink->on_events(events);
  }

  // after == nullptr: removed.
  api::ObjectPtr commit(const api::ObjectKey& key, const api::ObjectPtr& after) {
    const auto at = objects_.find(key);
    const api::ObjectPtr before = at == objects_.end() ? nullptr : at->second;
    ++revision_;
    api::WatchEvent event;
    event.revision = head();
    event.type = !after    ? api::WatchType::removed
                 : !before ? api::WatchType::added
                           : api::WatchType::modified;
    event.object = after ? after->at(head()) : before->at(head());
    if (after) {
      objects_[key] = event.object;
    } else {
      objects_.erase(at);
    }
    log_.emplace(head(), event);
    if (on_commit) on_commit(before, after ? event.object : nullptr);
    wake();
    return event.object;
  }

  api::Response handle(const api::Request& request) {
    api::Response response;
    if (!request.fence.role.empty() && request.fence.token < token) {
      response.error = api::forbidden(request.kind, request.name, "stale token");
      response.error.fenced = true;
      return response;
    }
    if (refuse) {
      response.error = refuse(request);
      if (!response.ok()) return response;
    }
    switch (request.verb) {
      case api::Verb::get: get(request, &response); break;
      case api::Verb::list: list(request, &response); break;
      case api::Verb::create: create(request, &response); break;
      case api::Verb::update: update(request, &response); break;
      case api::Verb::remove: remove(request, &response); break;
      case api::Verb::remove_collection: remove_collection(request, &response); break;
      default: response.error = api::bad_request("not here"); break;
    }
    return response;
  }
  void get(const api::Request& request, api::Response* response) {
    const auto at = objects_.find({request.kind, request.ns, request.name});
    if (at == objects_.end()) {
      response->error = api::not_found(request.kind, request.name);
    } else {
      response->object = at->second;
    }
  }
  void list(const api::Request& request, api::Response* response) {
    for (const auto& [key, object] : objects_) {
      if (key.kind != request.kind || (!request.ns.empty() && key.ns != request.ns)) continue;
      if (request.limit > 0 && response->items.size() >= static_cast<size_t>(request.limit)) break;
      response->items.push_back(object);
    }
    response->revision = head();
  }
  void create(const api::Request& request, api::Response* response) {
    std::unique_ptr<api::Message> body(request.body->New());
    body->CopyFrom(*request.body);
    api::ObjectMeta& meta = api::mutable_meta_of(request.kind, *body);
    const api::ObjectKey key{request.kind, meta.namespace_(), meta.name()};
    KEELSON_ASSERT(!key.name.empty());
    const auto ns = objects_.find({api::Kind::namespaces, "", key.ns});
    if (ns != objects_.end() && ns->second->deleting()) {
      response->error = api::forbidden(key.kind, key.name, "namespace is being terminated");
      return;
    }
    if (objects_.contains(key)) {
      response->error = api::already_exists(key.kind, key.name);
      return;
    }
    meta.set_uid("u" + std::to_string(++uids_));
    meta.set_generation(1);
    *meta.mutable_creation_timestamp() = api::to_time(loop_.wall_now());
    response->object = commit(key, wrap(key.kind, std::move(body)));
    response->revision = response->object->revision();
  }
  void update(const api::Request& request, api::Response* response) {
    const api::ObjectKey key{request.kind, request.ns, request.name};
    const api::ObjectPtr old = expect(key, request.expected, response);
    if (!old) return;
    std::unique_ptr<api::Message> body(old->message().New());
    // Main updates keep the status, status updates keep all else.
    const bool status = request.subresource == api::Subresource::status;
    body->CopyFrom(status ? old->message() : *request.body);
    copy_field(status ? *request.body : old->message(), "status", *body);
    api::ObjectMeta& meta = api::mutable_meta_of(request.kind, *body);
    meta.set_generation(old->meta().generation());
    if (!status && differs(*body, old->message(), "spec")) {
      meta.set_generation(meta.generation() + 1);
    }
    if (body->SerializeAsString() == old->message().SerializeAsString()) {
      response->object = old;
      return;
    }
    finish(key, wrap(key.kind, std::move(body)), response);
  }
  void remove(const api::Request& request, api::Response* response) {
    const api::ObjectKey key{request.kind, request.ns, request.name};
    const api::ObjectPtr old = expect(key, request.expected, response);
    if (!old) return;
    std::unique_ptr<api::Message> body(old->message().New());
    body->CopyFrom(old->message());
    api::ObjectMeta& meta = api::mutable_meta_of(request.kind, *body);
    if (!old->deleting()) {
      *meta.mutable_deletion_timestamp() = api::to_time(loop_.wall_now());
      meta.set_generation(meta.generation() + 1);
      if (request.propagation == api::Propagation::foreground) {
        meta.add_finalizers("foregroundDeletion");
      }
      if (request.propagation == api::Propagation::orphan) meta.add_finalizers("orphan");
      if (key.kind == api::Kind::namespaces) {
        static_cast<api::Namespace&>(*body).mutable_status()->set_phase("Terminating");
      }
    }
    finish(key, wrap(key.kind, std::move(body)), response);
  }
  void remove_collection(const api::Request& request, api::Response* response) {
    std::vector<api::ObjectKey> keys;
    for (const auto& [key, object] : objects_) {
      if (key.kind == request.kind && key.ns == request.ns) keys.push_back(key);
    }
    for (const auto& key : keys) commit(key, nullptr);
    response->revision = head();
  }

  // Stores, or removes what is being deleted and held by nothing any more.
  void finish(const api::ObjectKey& key, const api::ObjectPtr& after, api::Response* response) {
    bool held = !after->meta().finalizers().empty();
    if (key.kind == api::Kind::namespaces) {
      held = held || !after->as<api::Namespace>().spec().finalizers().empty();
    }
    if (key.kind == api::Kind::pods) {  // its agent confirms the end
      held = held || !after->as<api::Pod>().spec().node_name().empty();
    }
    const bool goes = after->deleting() && !held;
    const api::ObjectPtr stored = commit(key, goes ? nullptr : after);
    if (goes) {
      response->removed_uid = after->uid();
    } else {
      response->object = stored;
    }
    response->revision = head();
  }
  api::ObjectPtr expect(const api::ObjectKey& key, const api::Expected& expected,
                        api::Response* response) {
    const auto at = objects_.find(key);
    if (at == objects_.end()) {
      response->error = api::not_found(key.kind, key.name);
      return nullptr;
    }
    if ((!expected.uid.empty() && expected.uid != at->second->uid()) ||
        (expected.revision && expected.revision->value != at->second->revision().value)) {
      response->error = api::conflict_modified(key.kind, key.name);
      return nullptr;
    }
    return at->second;
  }
  static api::ObjectPtr wrap(api::Kind kind, std::unique_ptr<api::Message> body) {
    return std::make_shared<const api::Object>(kind, std::move(body));
  }
  static void copy_field(const api::Message& from, const char* name, api::Message& to) {
    const auto* field = to.GetDescriptor()->FindFieldByName(name);
    if (!field) return;
    if (from.GetReflection()->HasField(from, field)) {
      to.GetReflection()
          ->MutableMessage(&to, field)
          ->CopyFrom(from.GetReflection()->GetMessage(from, field));
    } else {
      to.GetReflection()->ClearField(&to, field);
    }
  }
  static bool differs(const api::Message& a, const api::Message& b, const char* name) {
    const auto* field = a.GetDescriptor()->FindFieldByName(name);
    return field && a.GetReflection()->GetMessage(a, field).SerializeAsString() !=
                        b.GetReflection()->GetMessage(b, field).SerializeAsString();
  }

  Loop& loop_;
  uint64_t revision_ = 0, uids_ = 0, last_watch_ = 0, calls_made_ = 0;
  std::map<api::ObjectKey, api::ObjectPtr> objects_;
  std::map<api::Revision, api::WatchEvent> log_;
  std::map<uint64_t, Watch> watches_;
  bool woken_ = false;
  std::vector<Callback<void()>> held_replies_;
};

}  // namespace keelson::test
