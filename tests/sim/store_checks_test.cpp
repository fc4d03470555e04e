// The checks of the store, of watches and of lists: each fires on a broken history and not on a right
// one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

struct Histories : testing::Test {
  History h{add_store_checks};

  store::StoreEvent next(const api::ObjectPtr& object, const api::ObjectPtr& previous) const {
    store::StoreEvent event;
    event.revision = {h.revision().epoch, h.revision().value + 1};
    event.object = object ? object->at(event.revision) : nullptr;
    event.previous = previous;
    return event;
  }
};

TEST_F(Histories, WritesThatFollowEachOtherAreRight) {
  h.put(pod("a")).put(pod("a").on("n1")).put(pod("b")).remove(pod("a"));
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("ST-1"), 8u);
}

TEST_F(Histories, AnEventThatDoesNotFollowFromTheLastStateBreaksSt1) {
  h.put(pod("a"));
  h.show(next(pod("a").on("n1"), pod("a").label("app", "web")));
  EXPECT_EQ(h.broken(), "ST-1");
  h.show(next(pod("b"), pod("b").label("app", "web")));
  EXPECT_EQ(h.broken(), "ST-1");
}

TEST_F(Histories, AGapInTheRevisionsBreaksSt2) {
  h.put(pod("a"));
  auto event = next(pod("b"), nullptr);
  event.revision.value += 1;
  event.object = event.object->at(event.revision);
  h.show(event);
  EXPECT_EQ(h.broken(), "ST-2");
}

TEST_F(Histories, AnObjectOfAnotherRevisionThanItsEventBreaksSt2) {
  auto event = next(pod("a"), nullptr);
  event.object = event.object->at({1, 99});
  h.show(event);
  EXPECT_EQ(h.broken(), "ST-2");
}

TEST_F(Histories, WritingWhatIsThereAlreadyBreaksSt2) {
  for (int i = 0; i < 8; ++i) h.put(pod("a"));
  EXPECT_EQ(h.broken(), "ST-2");
}

TEST_F(Histories, ACallThatTakesEffectTwiceBreaksSt4) {
  h.call_number(7).put(pod("a"));
  h.call_number(8).put(pod("b")).put(pod("a").on("n1")).remove(pod("b"));
  EXPECT_EQ(h.broken(), "") << "one call may do several things";
  h.call_number(7).put(pod("c"));
  EXPECT_EQ(h.broken(), "ST-4");
  h.call_number(9).put(pod("a").on("n2"));
  EXPECT_EQ(h.broken(), "");
  h.put(pod("a").on("n3"));
  EXPECT_EQ(h.broken(), "ST-4");
}

// As a namespace comes with its service account.
TEST_F(Histories, ACallMayCreateObjectsOfSeveralKinds) {
  h.call_number(7).put(config_map("a")).put(pod("a").uid("of-another-kind"));
  EXPECT_EQ(h.broken(), "");
  h.call_number(7).put(pod("b"));
  EXPECT_EQ(h.broken(), "ST-4");
}

TEST_F(Histories, AUidThatIsUsedAgainBreaksSt13) {
  h.put(pod("a").uid("1")).remove(pod("a").uid("1"));
  h.put(pod("a").uid("2"));
  EXPECT_EQ(h.broken(), "");
  h.put(pod("b").uid("1"));
  EXPECT_EQ(h.broken(), "ST-13");
}

TEST_F(Histories, AnIdentityThatChangesBreaksSt13) {
  h.put(config_map("a").uid("1").created(5));
  h.put(config_map("a").uid("2").created(5));
  EXPECT_EQ(h.broken(), "ST-13");
  h.put(config_map("a").uid("2").created(6));
  EXPECT_EQ(h.broken(), "ST-13");
}

TEST_F(Histories, GenerationsCountChangesOfTheSpec) {
  h.put(deployment("web").replicas(1).generation(1));
  h.put(deployment("web").replicas(2).generation(2));
  h.put(deployment("web").replicas(2).generation(2).label("a", "b"));
  h.put(deployment("web").replicas(2).generation(3).label("a", "b").deleting());
  EXPECT_EQ(h.broken(), "");
  h.put(deployment("db").replicas(1).generation(1));
  h.put(deployment("db").replicas(2).generation(1));
  EXPECT_EQ(h.broken(), "ST-13");
  h.put(deployment("db").replicas(2).generation(2));
  EXPECT_EQ(h.broken(), "ST-13");
}

TEST_F(Histories, AStatusWriteThatChangesTheSpecBreaksSt13) {
  api::Request request;
  request.verb = api::Verb::update;
  request.subresource = api::Subresource::status;
  request.request_id = 8;
  h.put(node("n1").ready()).put(node("n2").ready());
  h.calls("agent/n1", request);
  h.call_number(8).put(node("n1").ready("False"));
  EXPECT_EQ(h.broken(), "");
  request.request_id = 16;
  h.calls("agent/n2", request);
  h.call_number(16).put(node("n2").ready().with([](auto& m) {
    m.mutable_spec()->set_unschedulable(true);
  }));
  EXPECT_EQ(h.broken(), "ST-13");
}

struct Transactions : Histories {
  static store::Transaction asks(const api::ObjectPtr& object, uint64_t of_revision) {
    store::Transaction asked;
    store::Write& write = asked.writes.emplace_back();
    write.key = object->key();
    write.object = object;
    if (of_revision == 0) {
      write.absent = true;
    } else {
      write.revision = api::Revision{1, of_revision};
    }
    return asked;
  }
  // The history goes on with the object, and this is what the caller is told.
  store::Committed commits(const api::ObjectPtr& object) {
    h.put(object);
    return {{h.state().get(object->key())}, h.revision()};
  }
};

TEST_F(Transactions, OneWhosePreconditionsHoldTakesEffect) {
  const api::ObjectPtr a = pod("a"), changed = pod("a").on("n1");
  h.ended(asks(a, 0), commits(a));
  h.ended(asks(changed, 1), commits(changed));
  h.ended(asks(a, 1), Error{Code::conflict, "it is of revision 2"});
  h.ended(asks(a, 0), Error{Code::exists, "it exists"});
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("ST-3"), 6u);
}

TEST_F(Transactions, OneWhosePreconditionDoesNotHoldMustNot) {
  const api::ObjectPtr a = pod("a"), changed = pod("a").on("n1");
  h.put(a);
  h.ended(asks(changed, 7), commits(changed));
  EXPECT_EQ(h.broken(), "ST-3");
  h.ended(asks(a, 0), commits(a));
  EXPECT_EQ(h.broken(), "ST-3");
}

TEST_F(Transactions, OneThatIsRefusedForNothingBreaksSt3) {
  h.put(pod("a"));
  h.ended(asks(pod("a"), 1), Error{Code::conflict, "no"});
  EXPECT_EQ(h.broken(), "ST-3");
  h.ended(asks(pod("a"), 1), Error{Code::unavailable, "nobody at home"});
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Transactions, OneThatWritesSomethingElseBreaksSt3) {
  h.ended(asks(pod("a"), 0), commits(pod("a").on("n1")));
  EXPECT_EQ(h.broken(), "ST-3");
}

struct Watches : testing::Test {
  History h{add_store_checks};

  // A watch from revision zero would begin with what there is.
  void SetUp() override { h.put(config_map("first")); }
  uint64_t watch(const std::string& label_selector = {}) {
    api::WatchRequest request;
    request.kind = api::Kind::pods;
    request.label_selector = label_selector;
    request.after = h.revision();
    return h.watches("client", request);
  }
  api::WatchEvent event(api::WatchType type) const {
    api::WatchEvent e;
    e.type = type;
    e.revision = h.revision();
    return e;
  }
  static api::Request list() {
    api::Request request;
    request.verb = api::Verb::list;
    request.kind = api::Kind::pods;
    return request;
  }
  api::Response pods(std::vector<api::ObjectPtr> items) const {
    api::Response response;
    response.items = std::move(items);
    response.revision = h.revision();
    return response;
  }
  api::ObjectPtr stored(const std::string& name) const {
    return h.state().get({api::Kind::pods, "default", name});
  }
};

TEST_F(Watches, EachEventOnceInOrderIsRight) {
  h.put(pod("old"));
  const uint64_t stream = watch();
  h.put(pod("a"));
  const auto added = event(api::WatchType::added);
  h.put(pod("a").on("n1"));
  const auto modified = event(api::WatchType::modified);
  h.remove(pod("a"));
  h.delivered(stream, {added, modified, event(api::WatchType::removed), event(api::WatchType::bookmark)});
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("ST-5"), 3u);
  EXPECT_EQ(h.evaluations("ST-6"), 1u);
}

TEST_F(Watches, ASelectorTurnsChangesIntoArrivalsAndDepartures) {
  const uint64_t stream = watch("app=web");
  h.put(pod("a"));
  h.put(pod("a").label("app", "web"));
  const auto added = event(api::WatchType::added);
  h.put(pod("a").label("app", "db"));
  h.delivered(stream, {added, event(api::WatchType::removed)});
  EXPECT_EQ(h.broken(), "");
  h.put(pod("b"));
  h.delivered(stream, {event(api::WatchType::added)});
  EXPECT_EQ(h.broken(), "ST-5");
}

TEST_F(Watches, ALostEventBreaksSt5) {
  const uint64_t stream = watch();
  h.put(pod("a")).put(pod("b"));
  h.delivered(stream, {event(api::WatchType::added)});
  EXPECT_EQ(h.broken(), "ST-5");
}

TEST_F(Watches, AnEventThatComesTwiceBreaksSt5) {
  h.put(pod("a"));
  const uint64_t stream = watch();
  h.delivered(stream, {event(api::WatchType::added)});
  EXPECT_EQ(h.broken(), "ST-5");
}

TEST_F(Watches, AStreamThatStaysSilentIsPending) {
  const uint64_t stream = watch();
  h.put(pod("a"));
  EXPECT_EQ(h.pending(), "");
  h.pass(11s);
  EXPECT_EQ(h.pending(), "ST-5: has not got the event of revision 2");
  h.delivered(stream, {event(api::WatchType::added)});
  EXPECT_EQ(h.pending(), "");
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Watches, ABookmarkBeforeTheEventsUpToItBreaksSt6) {
  const uint64_t stream = watch();
  h.put(pod("a"));
  h.delivered(stream, {event(api::WatchType::bookmark)});
  EXPECT_EQ(h.broken(), "ST-6");
}

TEST_F(Watches, WatchingOnAfterGoneWithoutAListBreaksSt9) {
  auto gone = event(api::WatchType::error);
  gone.error.reason = api::Reason::expired;
  uint64_t stream = watch();
  h.delivered(stream, {gone});
  h.closed(stream);
  h.answered("client", list(), pods({}));
  stream = watch();
  EXPECT_EQ(h.broken(), "");
  h.delivered(stream, {gone});
  h.closed(stream);
  watch();
  EXPECT_EQ(h.broken(), "ST-9");
}

TEST_F(Watches, AListIsTheStateAtItsRevision) {
  h.put(pod("a")).put(pod("b"));
  const api::ObjectPtr old = stored("a");
  h.put(pod("a").on("n1"));
  h.answered("client", list(), pods({stored("a"), stored("b")}));
  EXPECT_EQ(h.broken(), "");
  h.answered("client", list(), pods({old, stored("b")}));
  EXPECT_EQ(h.broken(), "ST-7") << "an old version";
  h.answered("client", list(), pods({stored("a")}));
  EXPECT_EQ(h.broken(), "ST-7") << "one is missing";
  auto narrow = list();
  narrow.label_selector = "app=web";
  h.answered("client", narrow, pods({stored("a")}));
  EXPECT_EQ(h.broken(), "ST-7") << "it was not asked for";
}

TEST_F(Watches, AReaderThatGoesBackBreaksSt8) {
  h.put(pod("a"));
  const auto early = pods({stored("a")});
  h.put(pod("b"));
  h.answered("other", list(), early);
  h.answered("client", list(), pods({stored("a"), stored("b")}));
  EXPECT_EQ(h.broken(), "");
  h.killed("client");
  h.answered("client", list(), early);
  EXPECT_EQ(h.broken(), "ST-8") << "not even a restart is an excuse";
}

TEST_F(Watches, AnAnswerThatIsOvertakenByAWatchIsNoStepBack) {
  h.put(pod("a"));
  const auto early = pods({stored("a")});
  const uint64_t stream = watch();
  auto asked = list();
  asked.request_id = 5;
  h.calls("client", asked);
  h.put(pod("b"));
  h.delivered(stream, {event(api::WatchType::added)});
  h.answered("client", asked, early);
  EXPECT_EQ(h.broken(), "");
  asked.request_id = 6;
  h.calls("client", asked);
  h.answered("client", asked, early);
  EXPECT_EQ(h.broken(), "ST-8");
}

TEST_F(Watches, WhatAWatchBroughtCountsAsSeen) {
  h.put(pod("a"));
  const auto early = pods({stored("a")});
  const uint64_t stream = watch();
  h.put(pod("b"));
  h.delivered(stream, {event(api::WatchType::added)});
  h.answered("client", list(), early);
  EXPECT_EQ(h.broken(), "ST-8");
}

}  // namespace
}  // namespace keelson::sim::test
