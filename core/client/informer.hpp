// An Informer keeps a local copy of the objects of one kind by list and watch. The copy only moves
// forward: a list or event older than what was seen (also by (epoch, value) across reconnects to
// other servers) is not applied. Handlers see every net change, also those that a relist reveals.
// Source of the pattern: client-go's Reflector and shared informers; GUARANTEES ST-7, ST-8.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/api/object_table.hpp"
#include "core/api/request.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"

namespace keelson::client {

struct InformerOptions {
  api::Kind kind{};
  std::string ns, label_selector, field_selector;
  std::string user, actor;
  // Lists are never accepted from a view older than this: what this actor has already seen, also
  // before its own restart (the node agent keeps it on disk).
  api::Revision not_before;
  // No event and no bookmark for this long: the watch is presumed stalled and is made anew. Servers
  // send bookmarks about every 30 s.
  Duration progress_timeout = 75s;
  // Between attempts to list or watch: exponential between these, with jitter.
  Duration backoff_min = 100ms;
  Duration backoff_max = 5s;
};

// before == nullptr: added; after == nullptr: removed (before is the last state known, which after
// a relist may be older than the deletion).
using ChangeHandler =
    std::function<void(const api::ObjectPtr& before, const api::ObjectPtr& after)>;

class Informer final : private api::WatchSink {
 public:
  Informer(Loop& loop, ApiClient& client, Rng rng, InformerOptions options);
  ~Informer();
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Handlers are called in the order of registration, for each change, when objects() has it and
  // before revision() moves. An object that was replaced by another of the same name is reported as
  // a removal and an addition. REQUIRES: before start(); a handler does not destroy the informer.
  void on_change(ChangeHandler handler) { handlers_.push_back(std::move(handler)); }
  // Called after each batch of changes (also one that only moved the revision).
  void on_progress(std::function<void()> handler) { progress_.push_back(std::move(handler)); }
  void start();

  bool synced() const { return synced_; }
  // Everything of this scope up to here is in the cache.
  api::Revision revision() const { return revision_; }
  api::Kind kind() const { return options_.kind; }

  const api::ObjectTable& objects() const { return objects_; }
  api::ObjectPtr get(const std::string& ns, const std::string& name) const;

 private:
  void list();
  void on_listed(api::Response response);
  void replace(std::vector<api::ObjectPtr> items);
  void watch();
  void end_watch();
  void retry();
  void on_retry();
  void on_progress_timer();
  // Handlers hear of it if it changes anything.
  void apply(const api::ObjectPtr& after);
  void forget(const std::string& ns, const std::string& name);
  void notify(const api::ObjectPtr& before, const api::ObjectPtr& after);
  // False: the watch has ended, the rest of its events does not count.
  bool on_event(const api::WatchEvent& event);
  void on_events(std::span<const api::WatchEvent> events) override;
  void on_closed() override;
  api::Revision floor() const;

  Loop& loop_;
  ApiClient& client_;
  Rng rng_;
  InformerOptions options_;
  std::vector<ChangeHandler> handlers_;
  std::vector<std::function<void()>> progress_;
  api::ObjectTable objects_;
  api::Revision revision_;
  bool synced_ = false;
  bool relist_ = true;                 // the next attempt must list
  bool resume_at_head_ = false;        // only with SeededBug::gone_resume
  std::vector<api::ObjectPtr> pages_;  // of the list in progress
  std::string continue_token_;
  api::WatchId watch_;
  Duration backoff_{};  // zero: the last attempt went well
  Instant last_progress_{};
  Timer retry_timer_, progress_timer_;
  std::shared_ptr<bool> alive_;  // false once destroyed: answers still on their way are dropped
};

}  // namespace keelson::client
