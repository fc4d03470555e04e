// Keeps the watch cache fed: loads all kinds, follows the store's watch, starts again where it
// broke, loads anew when history was lost, and fetches older history when a watcher resumes before
// it.
#pragma once

#include <array>
#include <functional>

#include "core/apiserver/common.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/store/store.hpp"

namespace keelson::apiserver {

class StoreFeed final : private store::WatchSink {
 public:
  struct Listener {
    std::function<void()> on_synced;                                    // the state is complete
    std::function<void(std::span<const store::StoreEvent>)> on_events;  // in the cache already
    std::function<void(const Change&)> on_change;  // each, right after it was applied
    std::function<void()> on_lost;                 // history is gone: the state will be loaded anew
    // Older history has come (available) or is compacted: about history after `asked`.
    std::function<void(Revision asked, bool available)> on_history;
  };

  StoreFeed(Loop& loop, store::Store& store, WatchCache& cache, Log& log, Listener listener);
  ~StoreFeed();

  void start() { load(); }
  bool synced() const { return synced_; }
  // The watch brings nothing although the store has moved on: watch anew.
  void rewatch();
  // Fetch history after `after`, for which on_history() is called. One at a time.
  void fetch_history(Revision after);
  bool fetching() const { return fetching_; }

 private:
  // Collects what lies between an older revision and the cache's floor.
  class Backfill final : public store::WatchSink {
   public:
    explicit Backfill(StoreFeed& feed) : feed_(feed) {}
    void on_events(std::span<const store::StoreEvent> events) override;
    void on_closed(Error why) override;
    std::vector<store::StoreEvent> events;

   private:
    StoreFeed& feed_;
  };

  void load();
  void load_page(std::size_t kind, std::string start_after, std::optional<Revision> at);
  void all_loaded();
  void follow();
  void check_synced();
  void retry_later();
  void on_events(std::span<const store::StoreEvent> events) override;
  void on_closed(Error why) override;
  void history_done(bool available);

  store::Store& store_;
  WatchCache& cache_;
  Log& log_;
  Listener listener_;

  uint64_t round_ = 0;  // of loading: answers to an older one are ignored
  std::array<Revision, api::kind_count> loaded_at_{};
  Revision complete_at_;  // the newest of loaded_at_
  bool loaded_ = false;   // else loading
  bool synced_ = false;
  bool watching_ = false;
  store::WatchId watch_;
  Duration backoff_{};
  Timer retry_timer_;

  Backfill backfill_{*this};
  bool fetching_ = false;
  Revision fetch_after_;
  store::WatchId fetch_watch_;
  Timer fetch_timer_;
  Lifeline life_;
};

}  // namespace keelson::apiserver
