#include "core/store/memory_store.hpp"

#include <gtest/gtest.h>

#include "core/base/seeded_bug.hpp"
#include "tests/store/conformance.hpp"
#include "tests/store/conformance_lists.hpp"
#include "tests/store/conformance_model.hpp"
#include "tests/store/conformance_transactions.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::store::conformance {
namespace {

class MemoryHarness final : public StoreHarness {
 public:
  explicit MemoryHarness(MemoryStoreOptions options = {}) : store_(loop_, options) {}
  Store& store() override { return store_; }
  void settle() override { loop_.settle(); }
  bool fail_over(Revision keep) override { return store_.fail_over(keep, keep.value + 1000).ok(); }
  void set_reachable(bool) override {}  // it is part of the process that uses it

 private:
  test::ManualLoop loop_;
  MemoryStore store_;
};

const MakeHarness memory = [] { return std::make_unique<MemoryHarness>(); };
// Batches of three, and a history that did not begin at the beginning.
const MakeHarness memory_odd = [] {
  MemoryStoreOptions options;
  options.watch_batch_max = 3;
  options.history = {.epoch = 7, .floor = 12345};
  return std::make_unique<MemoryHarness>(options);
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(memory, memory_odd));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreOutage);
INSTANTIATE_TEST_SUITE_P(Memory, StoreModel, testing::Values(memory, memory_odd));

class MemoryStoreTest : public testing::Test {
 protected:
  void write(MemoryStore& store, int i) {
    store.commit(transaction({put(config("n", "a", std::to_string(i), "u1"))}),
                 [](Result<Committed> result) { EXPECT_TRUE(result.ok()); });
    loop_.settle();
  }
  test::ManualLoop loop_;
};

TEST_F(MemoryStoreTest, HistoryIsBoundedByCount) {
  MemoryStoreOptions options;
  options.history.events_max = 100;
  MemoryStore store(loop_, options);
  for (int i = 0; i < 1000; ++i) write(store, i);
  EXPECT_EQ(store.history().compacted(), (Revision{1, 900}));
  EXPECT_EQ(store.history().events_after({1, 899}).code(), Code::compacted);
  EXPECT_TRUE(store.history().events_after({1, 900}).ok());
}

TEST_F(MemoryStoreTest, HistoryIsBoundedByAgeButKeepsTheWindow) {
  MemoryStoreOptions options;
  options.history_age_max = 10min;
  MemoryStore store(loop_, options);
  for (int i = 0; i < 60; ++i) {
    write(store, i);
    loop_.run_for(30s);
  }
  // The last write came at 29 min 30 s; what is younger than 10 minutes then is still there.
  const uint64_t compacted = store.history().compacted().value;
  EXPECT_GE(compacted, 35u);
  EXPECT_LE(compacted, 40u);
}

TEST_F(MemoryStoreTest, AnswersArriveAfterTheStoreIsGoneButSinksAreSilent) {
  RecordingSink sink;
  bool answered = false;
  {
    MemoryStore store(loop_);
    store.watch({}, sink);
    store.commit(transaction({put(config("n", "a", "1", "u1"))}),
                 [&](Result<Committed> result) { answered = result.ok(); });
  }
  loop_.settle();
  EXPECT_TRUE(answered);
  EXPECT_TRUE(sink.events.empty());
}

// A sink that does to the store what sinks may do.
class BusySink final : public WatchSink {
 public:
  BusySink(Store& store, WatchSink& other) : store_(store), other_(other) {}
  void on_events(std::span<const StoreEvent> events) override {
    seen += events.size();
    if (seen > 3) return;
    if (seen == 1) store_.compact(events.back().revision, [](Result<Unit>) {});
    store_.watch(events.back().revision, other_);
    store_.commit(transaction({put(config("n", "a", std::to_string(seen), "u1"))}),
                  [](Result<Committed> result) { EXPECT_TRUE(result.ok()); });
    EXPECT_EQ(value_of(events.front().object).empty(), false) << "the span outlives compaction";
  }
  void on_closed(Error) override { FAIL() << "it has seen everything"; }
  std::size_t seen = 0;

 private:
  Store& store_;
  WatchSink& other_;
};

class QuietSink final : public WatchSink {
 public:
  void on_events(std::span<const StoreEvent> events) override { seen += events.size(); }
  void on_closed(Error) override { ++closed; }
  std::size_t seen = 0;
  int closed = 0;
};

TEST_F(MemoryStoreTest, SinksMayUseTheStore) {
  MemoryStore store(loop_);
  QuietSink other;
  BusySink sink(store, other);
  store.watch({}, sink);
  write(store, 0);
  EXPECT_EQ(sink.seen, 4u);
  EXPECT_EQ(other.seen, 3u + 2u + 1u);
  EXPECT_EQ(other.closed, 0);
}

TEST(History, ObserversSeeWholeTransactionsAtOnce) {
  History history;
  std::vector<std::size_t> sizes;
  uint64_t last = 0;
  history.observe([&](std::span<const StoreEvent> events) {
    sizes.push_back(events.size());
    for (const StoreEvent& event : events) EXPECT_EQ(event.revision.value, ++last);
  });
  // Three writes each: the pieces of the log, whose size is a power of two, do not divide evenly.
  for (int i = 0; i < 300; ++i) {
    Transaction t = transaction({});
    for (const char* name : {"a", "b", "c"}) {
      t.writes.push_back(put(config("n", name, std::to_string(i), name)));
    }
    ASSERT_TRUE(history.commit(t).ok());
  }
  EXPECT_EQ(sizes, std::vector<std::size_t>(300, 3));
  EXPECT_EQ(last, 900u);
}

TEST(History, SharesBodies) {
  History history;
  const ObjectPtr object = config("n", "a", "1", "u1");
  ASSERT_TRUE(history.commit(transaction({put(object)})).ok());
  EXPECT_EQ(history.find(object->key())->body(), object->body());
}

TEST(History, ChecksContinuePositions) {
  History history;
  ListQuery query{api::Kind::config_maps, "n", 1};
  query.start_after = "no-slash";
  EXPECT_EQ(history.list(query).code(), Code::invalid);
  query.start_after = "other/name";
  EXPECT_EQ(history.list(query).code(), Code::invalid);
}

TEST(History, FailsOverOnlyToStatesItKnows) {
  History history;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(history.commit(transaction({put(config("n", "a", std::to_string(i), "u1"))})).ok());
  }
  history.compact({1, 3});
  EXPECT_EQ(history.fail_over({1, 2}, 0).code(), Code::compacted);
  EXPECT_EQ(history.fail_over({1, 6}, 0).code(), Code::compacted);
  EXPECT_EQ(history.current(), (Revision{1, 5}));
  ASSERT_TRUE(history.fail_over({1, 3}, 100).ok());
  EXPECT_EQ(value_of(history.find(key_of("n", "a"))), "2");
  EXPECT_EQ(history.current(), (Revision{2, 100}));
  // A floor below what was used cannot make values come back.
  ASSERT_TRUE(history.fail_over({2, 100}, 7).ok());
  EXPECT_EQ(history.current(), (Revision{3, 100}));
}

#ifdef KEELSON_SEEDED_BUGS
TEST(History, SeededBugNoFenceLetsADeposedLeaderWrite) {
  History history;
  Transaction write = transaction({put(config("n", "a", "1", "u1"))});
  write.fence = {"kube-system/boss", 1};
  EXPECT_EQ(history.commit(write).code(), Code::fenced);
  active_seeded_bug = SeededBug::no_fence;
  EXPECT_TRUE(history.commit(write).ok());
  active_seeded_bug = SeededBug::none;
}
#endif

}  // namespace
}  // namespace keelson::store::conformance
