// The reference Store: everything in memory, on one loop. It serves single-process clusters and
// tests, and shows what every other store must do.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "core/base/loop.hpp"
#include "core/store/beats.hpp"
#include "core/store/history.hpp"
#include "core/store/watch_pump.hpp"

namespace keelson::store {

struct MemoryStoreOptions {
  HistoryOptions history;
  // Events older than this are forgotten even if there are few. Kubernetes' API server compacts
  // every 5 minutes, which guarantees clients a window of 5 to 10.
  Duration history_age_max = 10min;
  std::size_t watch_batch_max = 500;
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Loop& loop, MemoryStoreOptions options = {});
  // Answers already on their way are still delivered; sinks are not called any more.
  ~MemoryStore() override = default;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  void get(const ObjectKey& key, Done<ObjectPtr> done) override;
  void list(const ListQuery& query, Done<ListPage> done) override;
  void commit(Transaction transaction, Done<Committed> done) override;
  void current_revision(Done<Revision> done) override;
  WatchId watch(Revision after, WatchSink& sink) override;
  void unwatch(WatchId watch) override;
  void compact(Revision revision, Done<Unit> done) override;
  void beat(std::vector<api::Beat> beats, Done<Unit> done) override;
  void beats_since(uint64_t cursor, Done<BeatPage> done) override;

  // See History. All watches end with Code::compacted.
  Status fail_over(Revision keep, uint64_t floor);
  History& history() { return history_; }

 private:
  template <class T>
  void answer(Done<T> done, Result<T> result);
  void mark_age();

  Loop& loop_;
  MemoryStoreOptions options_;
  History history_;
  BeatBoard beats_;
  WatchPump watches_;
  // When which revision was current, about 64 marks per history_age_max.
  std::deque<std::pair<Instant, Revision>> age_marks_;
};

}  // namespace keelson::store
