// A scheduler with a small API server of its own, for tests of the machine: bindings, status
// updates, deletions and watches work, and the answers to binds can be lost, held or refused.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/scheduler/scheduler.hpp"
#include "tests/scheduler/cluster.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::test {

class SchedulerApi final : public client::ApiClient {
 public:
  explicit SchedulerApi(Loop& loop) : loop_(loop) {}

  // --- Switches
  // -----------------------------------------------------------------------------------
  int lose_bind_requests = 0;  // the next binds do nothing and answer unknown_outcome
  int lose_bind_replies = 0;   // the next binds take effect and answer unknown_outcome
  int refuse_binds = 0;        // the next binds answer conflict and do nothing
  int refuse_reads = 0;        // the next gets answer service_unavailable
  int refuse_removals = 0;
  int refuse_status = 0;
  bool hold_binds = false;  // binds wait, undone, for release_binds()
  bool stalled = false;     // watches say nothing until resume()

  // --- The state, from the side
  // -------------------------------------------------------------------
  void put(const api::ObjectPtr& object) {
    const api::ObjectKey key = object->key();
    const bool known = objects_.contains(key);
    objects_[key] = object->at(next());
    emit(known ? api::WatchType::modified : api::WatchType::added, objects_[key]);
  }
  void erase(const api::ObjectKey& key) {
    const api::ObjectPtr last = objects_.at(key);
    objects_.erase(key);
    next();
    emit(api::WatchType::removed, last);
  }
  // Removes it behind the watches' back; relist() lets clients find out.
  void erase_silently(const api::ObjectKey& key) {
    objects_.erase(key);
    next();
  }
  void relist() {
    for (const auto& [id, watch] : std::exchange(watches_, {})) {
      loop_.post([sink = watch.sink] {
        api::WatchEvent error;
        error.type = api::WatchType::error;
        error.error = api::expired("too old resource version");
        sink->on_events({&error, 1});
      });
    }
  }
  // The next revision is so much later, as after lost history.
  void skip(uint64_t revisions) { revision_ += revisions; }
  void resume() {
    stalled = false;
    for (const auto& event : std::exchange(held_events_, {})) emit(event.type, event.object);
  }
  void release_binds() {
    hold_binds = false;
    for (auto& [request, done] : std::exchange(held_, {})) call(request, std::move(done));
  }
  api::ObjectPtr find(api::Kind kind, const std::string& name) const {
    const auto it = objects_.find({kind, kind == api::Kind::nodes ? "" : "default", name});
    return it == objects_.end() ? nullptr : it->second;
  }
  const api::Pod* pod(const std::string& name) const {
    const auto object = find(api::Kind::pods, name);
    return object ? &object->as<api::Pod>() : nullptr;
  }
  std::string node_of(const std::string& name) const {
    return pod(name) == nullptr ? "(gone)" : pod(name)->spec().node_name();
  }
  std::vector<api::Request> binds, removals;
  std::vector<std::string> events;  // "Reason: message"

  // --- ApiClient
  // ----------------------------------------------------------------------------------
  void call(api::Request request, Callback<void(api::Response)> done) override {
    const bool bind = request.subresource == api::Subresource::binding;
    if (bind && hold_binds) {
      held_.emplace_back(std::move(request), std::move(done));
      return;
    }
    api::Response response = handle(request);
    loop_.post([done = std::move(done), response = std::move(response)]() mutable {
      done(std::move(response));
    });
  }
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override {
    watches_[++last_watch_] = {request.kind, &sink};
    return {last_watch_};
  }
  void unwatch(api::WatchId id) override { watches_.erase(id.id); }

 private:
  struct Watch {
    api::Kind kind{};
    api::WatchSink* sink = nullptr;
  };
  static bool consume(int& n) { return n > 0 && n-- > 0; }
  api::Revision next() { return {1, ++revision_}; }
  void emit(api::WatchType type, const api::ObjectPtr& object) {
    const api::WatchEvent event{type, {1, revision_}, object};
    if (stalled) {
      held_events_.push_back(event);
      return;
    }
    for (const auto& [id, watch] : watches_) {
      if (watch.kind != object->kind()) continue;
      loop_.post([this, id = id, event] {
        const auto it = watches_.find(id);
        if (it != watches_.end()) it->second.sink->on_events({&event, 1});
      });
    }
  }
  api::Response failed(api::ApiError error) {
    api::Response response;
    response.error = std::move(error);
    return response;
  }
  api::Response handle(const api::Request& r) {
    api::Response response;
    const api::ObjectKey key{r.kind, r.ns, r.name};
    const auto it = objects_.find(key);
    switch (r.verb) {
      case api::Verb::list:
        for (const auto& [k, object] : objects_) {
          if (k.kind == r.kind) response.items.push_back(object);
        }
        response.revision = {1, revision_};
        return response;
      case api::Verb::get:
        if (consume(refuse_reads)) return failed(api::service_unavailable("away"));
        if (it == objects_.end()) return failed(api::not_found(r.kind, r.name));
        response.object = it->second;
        return response;
      case api::Verb::create:
        if (r.subresource == api::Subresource::binding) return bind(r);
        if (r.kind == api::Kind::events) {
          const auto& event = static_cast<const api::Event&>(*r.body);
          events.push_back(event.reason() + ": " + event.message());
        }
        return response;
      case api::Verb::update: {
        if (r.kind == api::Kind::events) return response;
        if (consume(refuse_status)) return failed(api::service_unavailable("away"));
        if (it == objects_.end()) return failed(api::not_found(r.kind, r.name));
        if (r.expected.revision && *r.expected.revision != it->second->revision()) {
          return failed(api::conflict_modified(r.kind, r.name));
        }
        api::Pod pod = it->second->as<api::Pod>();
        *pod.mutable_status() = static_cast<const api::Pod&>(*r.body).status();
        put(api::make_object(pod));
        return response;
      }
      case api::Verb::remove:
        removals.push_back(r);
        if (consume(refuse_removals)) return failed(api::service_unavailable("away"));
        if (it == objects_.end()) return failed(api::not_found(r.kind, r.name));
        if (it->second->uid() != r.expected.uid) {
          return failed(api::conflict(r.kind, r.name, "the uid is another"));
        } else {
          api::Pod pod = it->second->as<api::Pod>();
          pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
          put(api::make_object(pod));
        }
        return response;
      default: return response;
    }
  }
  api::Response bind(const api::Request& r) {
    binds.push_back(r);
    if (consume(lose_bind_requests)) return failed(api::unknown_outcome("no answer"));
    if (consume(refuse_binds)) return failed(api::conflict(r.kind, r.name, "node is full"));
    const auto it = objects_.find({r.kind, r.ns, r.name});
    if (it == objects_.end()) return failed(api::not_found(r.kind, r.name));
    if (it->second->uid() != r.expected.uid) {
      return failed(api::conflict(r.kind, r.name, "the uid is another"));
    }
    api::Pod pod = it->second->as<api::Pod>();
    if (!pod.spec().node_name().empty()) {
      return failed(api::conflict(r.kind, r.name, "already assigned"));
    }
    const auto& binding = static_cast<const api::Binding&>(*r.body);
    pod.mutable_spec()->set_node_name(binding.target().name());
    for (const auto& [key, value] : binding.metadata().annotations()) {
      (*pod.mutable_metadata()->mutable_annotations())[key] = value;
    }
    put(api::make_object(pod));
    if (consume(lose_bind_replies)) return failed(api::unknown_outcome("no answer"));
    api::Response response;
    response.revision = {1, revision_};
    return response;
  }

  Loop& loop_;
  uint64_t revision_ = 1, last_watch_ = 0;
  std::map<api::ObjectKey, api::ObjectPtr> objects_;
  std::map<uint64_t, Watch> watches_;
  std::vector<std::pair<api::Request, Callback<void(api::Response)>>> held_;
  std::vector<api::WatchEvent> held_events_;
};

// The loop before the API before the scheduler: they are destroyed in the opposite order.
struct SchedulerWorld {
  ManualLoop loop;
  NullLog log;
  SchedulerApi api{loop};
  bool leading = true;
  scheduler::Scheduler scheduler;

  explicit SchedulerWorld(scheduler::SchedulerOptions options = {})
      : scheduler(loop, api, Rng(7), log, std::move(options)) {}

  SchedulerWorld& put(const api::ObjectPtr& object) {
    api.put(object);
    return *this;
  }
  void start() {
    scheduler.start({"kube-system/kube-scheduler", 42}, [this] { return leading; });
    loop.settle();
  }
  int64_t cpu_on(const std::string& node) const {
    const auto& snapshot = scheduler.cache().snapshot();
    const auto row = snapshot.find(snapshot.words().find(node));
    return row == scheduler::kNoNode ? 0 : snapshot.resource(scheduler::kCpu).requested[row];
  }
};

}  // namespace keelson::test
