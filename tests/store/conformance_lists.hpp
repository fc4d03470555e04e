// Lists, snapshots, paging, watches, compaction.
#pragma once

#include <map>

#include "tests/store/conformance.hpp"

namespace keelson::store::conformance {

TEST_P(StoreConformance, ListsAreSortedByNamespaceThenName) {
  for (const char* name : {"b", "a-b", "a", "ab"}) {
    for (const char* ns : {"n", "n-1", "m"}) {
      ASSERT_TRUE(commit(put(config(ns, name, "1", std::string(ns) + name))).ok());
    }
  }
  ASSERT_TRUE(commit(put(lease("other-kind", "me"))).ok());
  const auto all = list({api::Kind::config_maps});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(names(all->objects),
            (std::vector<std::string>{"m/a", "m/a-b", "m/ab", "m/b", "n/a", "n/a-b", "n/ab", "n/b",
                                      "n-1/a", "n-1/a-b", "n-1/ab", "n-1/b"}));
  EXPECT_EQ(all->revision, current());
  EXPECT_FALSE(all->more);
  EXPECT_EQ(names(list({api::Kind::config_maps, "n"})->objects),
            (std::vector<std::string>{"n/a", "n/a-b", "n/ab", "n/b"}));
  EXPECT_TRUE(list({api::Kind::config_maps, "nowhere"})->objects.empty());
}

TEST_P(StoreConformance, PagesBelongToTheSnapshotOfTheFirst) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    ASSERT_TRUE(commit(put(config("n", name, "old", std::string("u-") + name))).ok());
  }
  ListQuery query{api::Kind::config_maps, "n", 2};
  const auto first = list(query);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(names(first->objects), (std::vector<std::string>{"n/a", "n/b"}));
  EXPECT_TRUE(first->more);
  EXPECT_EQ(first->remaining, 3);

  // Everything that can happen to objects before, at and behind the position.
  ASSERT_TRUE(commit(put(config("n", "aa", "new", "u-aa"))).ok());
  ASSERT_TRUE(commit(removal(key_of("n", "c"))).ok());
  ASSERT_TRUE(commit(put(config("n", "c", "reborn", "u-c2"))).ok());
  ASSERT_TRUE(commit(put(config("n", "d", "new", "u-d"))).ok());
  ASSERT_TRUE(commit(removal(key_of("n", "e"))).ok());
  ASSERT_TRUE(commit(put(config("n", "f", "new", "u-f"))).ok());
  ASSERT_TRUE(commit(removal(key_of("n", "b"))).ok());

  query.at = first->revision;
  query.start_after = first->last;
  const auto second = list(query);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(names(second->objects), (std::vector<std::string>{"n/c", "n/d"}));
  EXPECT_EQ(value_of(second->objects[0]), "old");
  EXPECT_EQ(value_of(second->objects[1]), "old");
  EXPECT_EQ(second->revision, first->revision);
  EXPECT_EQ(second->remaining, 1);
  query.start_after = second->last;
  const auto third = list(query);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(names(third->objects), (std::vector<std::string>{"n/e"}));
  EXPECT_FALSE(third->more);
  EXPECT_EQ(third->remaining, 0);
}

// A page that ends with the last object says so: a reader must not be sent for an empty one.
TEST_P(StoreConformance, ALimitThatFitsExactlyLeavesNothing) {
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(commit(put(config("n", name, "1", std::string("u-") + name))).ok());
  }
  ASSERT_TRUE(commit(put(config("other", "e", "1", "u-e"))).ok());
  for (const int64_t limit : {2, 4, 5}) {
    ListQuery query{api::Kind::config_maps, "n", limit};
    auto page = list(query);
    ASSERT_TRUE(page.ok());
    if (page->more) {
      query.at = page->revision;
      query.start_after = page->last;
      page = list(query);
    }
    ASSERT_TRUE(page.ok());
    EXPECT_FALSE(page->more) << "limit " << limit;
    EXPECT_EQ(page->remaining, 0);
    EXPECT_EQ(page->objects.back()->name(), "d");
  }
}

TEST_P(StoreConformance, SnapshotsThatAreGoneSayCompacted) {
  ASSERT_TRUE(commit(put(config("n", "a", "1", "u1"))).ok());
  const Revision old = current();
  ASSERT_TRUE(commit(put(config("n", "a", "2", "u1"))).ok());
  ASSERT_TRUE(commit(put(config("n", "a", "3", "u1"))).ok());
  const Revision head = current();
  ListQuery query{api::Kind::config_maps};
  query.at = old;
  compact(old);
  ASSERT_TRUE(list(query).ok());  // up to and including: the state at `old` itself is still known
  EXPECT_EQ(value_of(list(query)->objects[0]), "1");
  compact(head);
  EXPECT_EQ(list(query).code(), Code::compacted);
  compact(old);  // lowering has no effect
  EXPECT_EQ(list(query).code(), Code::compacted);
  query.at = head;
  EXPECT_EQ(value_of(list(query)->objects[0]), "3");
  query.at = Revision{head.epoch, head.value + 1};
  EXPECT_EQ(list(query).code(), Code::unavailable);
}

TEST_P(StoreConformance, AWatchDeliversEverythingAfterItsRevisionOnce) {
  ASSERT_TRUE(commit(put(config("n", "a", "1", "u1"))).ok());
  const Revision start = current();
  ASSERT_TRUE(commit(put(config("n", "a", "2", "u1"))).ok());  // before the watch: replayed
  RecordingSink sink;
  const WatchId watch = store().watch(start, sink);
  EXPECT_TRUE(sink.events.empty()) << "called from inside watch()";
  settle();
  ASSERT_EQ(sink.events.size(), 1u);
  std::vector<Write> writes;
  writes.push_back(removal(key_of("n", "a")));
  writes.push_back(put(lease("l", "me")));
  ASSERT_TRUE(commit(transaction(std::move(writes))).ok());
  settle();
  ASSERT_EQ(sink.events.size(), 3u);
  EXPECT_EQ(sink.events[0].revision.value, start.value + 1);
  EXPECT_EQ(value_of(sink.events[0].previous), "1");
  EXPECT_EQ(value_of(sink.events[0].object), "2");
  EXPECT_EQ(sink.events[0].object->revision(), sink.events[0].revision);
  EXPECT_EQ(sink.events[1].op, Write::Op::remove);
  EXPECT_EQ(sink.events[1].object, nullptr);
  EXPECT_EQ(value_of(sink.events[1].previous), "2");
  EXPECT_EQ(sink.events[1].previous->revision(), sink.events[0].revision);
  EXPECT_EQ(sink.events[2].object->kind(), api::Kind::leases);
  EXPECT_EQ(sink.events[2].previous, nullptr);

  store().unwatch(watch);
  ASSERT_TRUE(commit(put(config("n", "b", "1", "u2"))).ok());
  settle();
  EXPECT_EQ(sink.events.size(), 3u);
  EXPECT_FALSE(sink.closed);
}

TEST_P(StoreConformance, EachWatchIsAtAPlaceOfItsOwn) {
  const Revision start = current();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(commit(put(config("n", "a", std::to_string(i), "u1"))).ok());
  }
  RecordingSink all, late, none;
  const WatchId first = store().watch(start, all);
  store().watch({start.epoch, start.value + 3}, late);
  store().watch(current(), none);
  settle();
  EXPECT_EQ(all.events.size(), 4u);
  EXPECT_EQ(late.events.size(), 1u);
  EXPECT_TRUE(none.events.empty());
  // One that leaves takes nothing from the others, also if it leaves twice.
  store().unwatch(first);
  store().unwatch(first);
  ASSERT_TRUE(commit(put(config("n", "a", "4", "u1"))).ok());
  settle();
  EXPECT_EQ(all.events.size(), 4u);
  EXPECT_EQ(late.events.size(), 2u);
  EXPECT_EQ(none.events.size(), 1u);
}

TEST_P(StoreConformance, UnwatchSilencesEventsAlreadyOnTheirWay) {
  RecordingSink sink;
  const WatchId watch = store().watch(current(), sink);
  settle();
  bool committed = false;
  store().commit(transaction({put(config("n", "a", "1", "u1"))}),
                 [&](Result<Committed> result) { committed = result.ok(); });
  store().unwatch(watch);
  settle();
  EXPECT_TRUE(committed);
  EXPECT_TRUE(sink.events.empty());
}

TEST_P(StoreConformance, AWatchFromCompactedHistoryIsClosedAndOneFromItsEdgeIsNot) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(commit(put(config("n", "a", std::to_string(i), "u1"))).ok());
  }
  const Revision head = current();
  const Revision edge{head.epoch, head.value - 3};
  compact(edge);
  RecordingSink gone, kept, future;
  store().watch({edge.epoch, edge.value - 1}, gone);
  store().watch(edge, kept);
  store().watch({head.epoch, head.value + 1}, future);
  settle();
  EXPECT_EQ(gone.closed, Code::compacted);
  EXPECT_TRUE(gone.events.empty());
  EXPECT_FALSE(kept.closed);
  EXPECT_EQ(kept.events.size(), 3u);
  EXPECT_EQ(future.closed, Code::compacted) << "it has seen what this store never had";
}

TEST_P(StoreConformance, CompactionNeverTakesAnEventFromAWatchSilently) {
  RecordingSink sink;
  store().watch(current(), sink);
  settle();
  // Committed and compacted before the watch had a chance: either it gets all, or it is told.
  Revision last;
  for (int i = 0; i < 5; ++i) {
    store().commit(transaction({put(config("n", "a", std::to_string(i), "u1"))}),
                   [&](Result<Committed> result) { last = result->revision; });
  }
  store().compact({current().epoch, UINT64_MAX}, [](Result<Unit>) {});
  settle();
  EXPECT_TRUE(sink.events.size() == 5u || sink.closed == Code::compacted);
}

TEST_P(StoreOutage, EndsWatchesAndLosesNothing) {
  RecordingSink before, during, after;
  store().watch(current(), before);
  const Revision seen = commit(put_new(config("n", "a", "1", "u1")))->revision;
  ASSERT_EQ(before.events.size(), 1u);
  harness_->set_reachable(false);
  settle();
  EXPECT_EQ(before.closed, Code::unavailable) << "watch again after the last event seen";
  const Code outcome = commit(put_new(config("n", "b", "1", "u2"))).code();
  for (const Code code :
       {outcome, get(key_of("n", "a")).code(), list({api::Kind::config_maps}).code()}) {
    EXPECT_TRUE(code == Code::unavailable || code == Code::unknown) << to_string(code);
  }
  store().watch(seen, during);
  settle();
  EXPECT_EQ(during.closed, Code::unavailable);

  harness_->set_reachable(true);
  settle();
  EXPECT_EQ(value_of(*get(key_of("n", "a"))), "1");
  const bool happened = get(key_of("n", "b")).ok();
  if (outcome == Code::unavailable) {
    EXPECT_FALSE(happened) << "unavailable means that nothing happened";
  }
  EXPECT_EQ(commit(put_new(config("n", "b", "1", "u2"))).code(),
            happened ? Code::exists : Code::ok);
  store().watch(seen, after);
  settle();
  ASSERT_EQ(after.events.size(), 1u);
  EXPECT_EQ(after.events[0].revision, (Revision{seen.epoch, seen.value + 1}));
  EXPECT_EQ(after.events[0].object->name(), "b");
}

TEST_P(StoreConformance, ProvenanceTravelsWithTheEvent) {
  RecordingSink sink;
  store().watch(current(), sink);
  auto provenance = std::make_shared<Provenance>();
  provenance->actor = "scheduler-0";
  Transaction t = transaction({put(config("n", "a", "1", "u1"))});
  t.provenance = provenance;
  ASSERT_TRUE(commit(std::move(t)).ok());
  settle();
  ASSERT_EQ(sink.events.size(), 1u);
  // A store that keeps its events elsewhere may forget who wrote; it must not invent it.
  if (sink.events[0].provenance) {
    EXPECT_EQ(sink.events[0].provenance->actor, "scheduler-0");
  }
}

TEST_P(StoreConformance, ManyEventsArriveInOrderAcrossBatches) {
  constexpr int count = 2000;
  RecordingSink early, late;
  const Revision start = current();
  store().watch(start, early);
  // Commits that do not wait for each other may overtake each other on their way.
  std::map<uint64_t, std::string> by_revision;
  for (int i = 0; i < count; ++i) {
    const std::string text = std::to_string(i);
    store().commit(transaction({put(config("n", "a" + std::to_string(i % 7), text,
                                           "u" + std::to_string(i % 7)))}),
                   [&by_revision, text](Result<Committed> result) {
                     ASSERT_TRUE(result.ok());
                     by_revision[result->revision.value] = text;
                   });
  }
  settle();
  store().watch(start, late);
  settle();
  ASSERT_EQ(early.events.size(), static_cast<std::size_t>(count));
  ASSERT_EQ(late.events.size(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const uint64_t revision = start.value + 1 + i;
    EXPECT_EQ(early.events[i].revision.value, revision);
    EXPECT_EQ(value_of(early.events[i].object), by_revision[revision]);
    EXPECT_EQ(value_of(late.events[i].object), by_revision[revision]);
  }
}

}  // namespace keelson::store::conformance
