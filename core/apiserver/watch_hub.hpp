// Fans changes out to watchers. Watchers with the same scope (kind, namespace, selectors) form a
// group, whose events are filtered and built once; a change finds the groups that may care by hash,
// so it costs O(matching groups) also with thousands of watchers. What a turn of the loop brings is
// delivered in one batch per watcher; large groups gather for longer than a turn, because each
// delivery costs the more, the more watchers there are.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <memory>

#include "core/api/selector.hpp"
#include "core/apiserver/common.hpp"
#include "core/apiserver/options.hpp"
#include "core/apiserver/paced_sink.hpp"
#include "core/apiserver/watch_backlog.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/loop.hpp"

namespace keelson::apiserver {

class WatchHub {
 public:
  // `need_history(after)`: a watcher resumes before the cache's floor; answer with history_came().
  WatchHub(Loop& loop, const WatchCache& cache, const ApiServerOptions& options,
           std::function<void(Revision)> need_history);
  ~WatchHub();

  // Registers the watcher; nothing is delivered before attach() or refuse().
  api::WatchId open(const api::WatchRequest& request, api::WatchSink& sink, PacedSink* paced);
  // Starts it: initial objects, or the history after `request.after`, then live events.
  void attach(api::WatchId watch);
  // Ends it with an error event, or without one (the client resumes).
  void refuse(api::WatchId watch, ApiError error);
  void close(api::WatchId watch);
  void remove(api::WatchId watch);
  void resumed(api::WatchId watch);

  void publish(const Change& change);
  void history_came(Revision asked, bool available);
  // History was lost: every watcher must list again.
  void expire_all(Revision now);

  std::size_t size() const { return watchers_.size(); }

 private:
  struct Group;
  struct Watcher {
    uint64_t id = 0;
    api::WatchSink* sink = nullptr;  // null: has ended
    PacedSink* paced = nullptr;
    Group* group = nullptr;  // null: bad selectors, waits to be refused
    std::optional<Revision> after;
    bool bookmarks = false;
    bool initial_events = false;
    bool live = false;
    Revision delivered;      // events up to here are not sent (again)
    WatchBacklog backlog;    // to be sent before the group's batch
    std::size_t behind = 0;  // so many of it came after the watcher had begun
    ApiError refusal;
    bool closing = false;
  };
  using WatcherPtr = std::shared_ptr<Watcher>;
  struct Group : std::enable_shared_from_this<Group> {
    std::string scope;  // its key
    Kind kind{};
    std::string ns;
    api::LabelSelectorMatcher labels;
    api::FieldSelector fields;
    bool filtered = false;
    std::vector<WatcherPtr> watchers;
    std::size_t live = 0;
    std::vector<api::WatchEvent> batch;  // since the last flush
    bool dirty = false;
    Instant rests_until{};  // no flush before
    std::string bucket;  // where it is indexed
    std::vector<Group*>* indexed_in = nullptr;

    bool matches(const Object& object) const;
  };
  using GroupPtr = std::shared_ptr<Group>;
  // Buckets are never erased while the hub lives, so that pointers into the node map stay valid.
  using Buckets = std::map<std::string, std::vector<Group*>, std::less<>>;
  struct Index {
    std::vector<Group*> all;
    Buckets by_ns, by_name, by_node;
  };

  GroupPtr group_of(const api::WatchRequest& request, ApiError* error);
  void index(Group& group);
  void leave(const WatcherPtr& watcher);
  bool make_event(const Group& group, const Change& change, const ObjectPtr& gone,
                  api::WatchEvent* event) const;
  void offer(Group& group, const Change& change, const ObjectPtr& gone);
  void start_live(const WatcherPtr& watcher);
  void replay(Watcher& watcher);
  void list_initial(Watcher& watcher);
  void touch(Group& group);
  enum class Flush { due, all };
  void flush(Flush which);
  void deliver(const WatcherPtr& watcher, std::span<const api::WatchEvent> batch, Revision upto);
  void send_backlog(const WatcherPtr& watcher);
  void send_backlog_soon(const WatcherPtr& watcher);
  void end(const WatcherPtr& watcher);
  void schedule_ending(const WatcherPtr& watcher);
  void bookmark_tick();
  void ask_history();

  Loop& loop_;
  const WatchCache& cache_;
  const ApiServerOptions& options_;
  std::function<void(Revision)> need_history_;
  boost::unordered_flat_map<uint64_t, WatcherPtr> watchers_;
  std::map<std::string, GroupPtr> groups_;
  std::array<Index, api::kind_count> indexes_;
  std::vector<GroupPtr> dirty_;
  std::vector<WatcherPtr> waiting_;  // for history
  bool flush_posted_ = false;
  Timer rest_timer_;
  uint64_t last_id_ = 0;
  // Bookmarks are spread over the period: each tick serves the watchers of one slot.
  static constexpr std::size_t kSlots = 10;
  std::array<std::vector<uint64_t>, kSlots> slots_;
  std::size_t slot_ = 0;
  Timer bookmark_timer_;
  Lifeline life_;
};

}  // namespace keelson::apiserver
