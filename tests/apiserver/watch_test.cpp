// Watches: gapless, in order, filtered, resumable; bookmarks; slow watchers.
#include "core/apiserver/watch_cache.hpp"
#include "tests/apiserver/fixture.hpp"

#include "core/base/seeded_bug.hpp"

namespace keelson::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WatchTest : public ApiServerTest {};

TEST_F(WatchTest, FromARevision) {
  made(config_named("a"));
  const Revision from = now();
  made(config_named("b", "1"));
  Collector sink;
  server->watch(watching(Kind::config_maps, from), sink);
  EXPECT_THAT(sink.events, IsEmpty());  // never from inside watch()
  loop.settle();
  EXPECT_THAT(sink.told(), ElementsAre("ADDED b"));
  put(config_named("b", "2"));
  made(pod_named("not-a-config-map"));
  const Revision deleted = call(removal(Kind::config_maps, "b")).revision;
  EXPECT_THAT(sink.told(), ElementsAre("ADDED b", "MODIFIED b", "DELETED b"));
  EXPECT_EQ(sink.events[2].revision, deleted);
  EXPECT_EQ(sink.events[2].object->as<api::ConfigMap>().data().at("k"), "2");
  EXPECT_EQ(sink.events[2].object->revision(), deleted);
  for (const auto& event : sink.events) EXPECT_GT(event.revision, from);
}

TEST_F(WatchTest, WireRevisionsHaveNoEpoch) {
  const Revision from{0, now().value};
  made(config_named("a"));
  Collector sink;
  server->watch(watching(Kind::config_maps, from), sink);
  loop.settle();
  EXPECT_THAT(sink.told(), ElementsAre("ADDED a"));
}

TEST_F(WatchTest, InitialStateThenLive) {
  made(config_named("b"));
  made(config_named("a"));
  for (const std::optional<Revision> after : {std::optional<Revision>{}, {Revision{}}}) {
    Collector sink;
    const auto id = server->watch(watching(Kind::config_maps, after), sink);
    loop.settle();
    EXPECT_THAT(sink.told(), ElementsAre("ADDED a", "ADDED b"));
    server->unwatch(id);
  }
  Collector sink;
  auto request = watching(Kind::config_maps);
  request.send_initial_events = true;
  server->watch(request, sink);
  loop.settle();
  made(config_named("c"));
  EXPECT_THAT(sink.told(true), ElementsAre("ADDED a", "ADDED b", "BOOKMARK initial", "ADDED c"));
  EXPECT_EQ(sink.events[2].object, nullptr);
  EXPECT_LT(sink.events[2].revision, sink.events[3].revision);
}

TEST_F(WatchTest, EventsOfATurnComeInOneBatch) {
  Collector sink;
  server->watch(watching(Kind::config_maps, now()), sink);
  int answers = 0;
  for (int i = 0; i < 20; ++i) {
    server->handle(api::create(api::make_object(config_named("c" + std::to_string(i)))),
                   [&](Response) { ++answers; });
  }
  loop.settle();
  EXPECT_EQ(answers, 20);
  EXPECT_THAT(sink.events, SizeIs(20));
  EXPECT_LT(sink.batches, 5);
}

TEST_F(WatchTest, FilterTransitionsComeAndGo) {
  Collector labels, fields;
  auto by_label = watching(Kind::pods, now());
  by_label.label_selector = "app=web";
  server->watch(by_label, labels);
  auto by_field = watching(Kind::pods, now());
  by_field.field_selector = "status.phase=Running";
  server->watch(by_field, fields);
  api::Pod pod = *running("p", "n1");
  EXPECT_THAT(labels.told(), ElementsAre("ADDED p", "MODIFIED p"));
  EXPECT_THAT(fields.told(), ElementsAre("ADDED p"));
  (*pod.mutable_metadata()->mutable_labels())["app"] = "other";
  const Revision left = put(pod).revision;
  ASSERT_THAT(labels.told(), ElementsAre("ADDED p", "MODIFIED p", "DELETED p"));
  EXPECT_EQ(labels.events.back().revision, left);
  EXPECT_EQ(labels.events.back().object->meta().labels().at("app"), "web");
  pod.mutable_status()->set_phase("Failed");
  ASSERT_TRUE(put_status(pod).ok());
  EXPECT_THAT(fields.told(), ElementsAre("ADDED p", "MODIFIED p", "DELETED p"));
}

TEST_F(WatchTest, IndexedScopesSeeWhatIsTheirs) {
  made(node_named("n1"));
  made(node_named("n2"));
  const Revision from = now();
  Collector on_n1, on_n2, one, elsewhere, everywhere;
  const auto start = [&](Collector& sink, const std::string& ns, const std::string& fields) {
    auto request = watching(Kind::pods, from);
    request.ns = ns;
    request.field_selector = fields;
    server->watch(request, sink);
  };
  start(on_n1, "", "spec.nodeName=n1");
  start(on_n2, "", "spec.nodeName=n2");
  start(one, "default", "metadata.name=p");
  start(elsewhere, "kube-system", "");
  start(everywhere, "", "metadata.name=p");
  made(pod_named("p"));
  made(pod_named("q"));
  made(pod_named("p", "kube-system"));
  ASSERT_TRUE(call(binding("p", "n1")).ok());
  call(removal(Kind::pods, "q"));
  EXPECT_THAT(on_n1.told(), ElementsAre("ADDED p"));
  EXPECT_THAT(on_n2.told(), IsEmpty());
  EXPECT_THAT(one.told(), ElementsAre("ADDED p", "MODIFIED p"));
  EXPECT_THAT(elsewhere.told(), ElementsAre("ADDED p"));
  EXPECT_THAT(everywhere.told(), ElementsAre("ADDED p", "ADDED p", "MODIFIED p"));
}

TEST_F(WatchTest, SharedScopeLaterWatcherGetsNothingTwice) {
  Collector first, second;
  const Revision from = now();
  server->watch(watching(Kind::config_maps, from), first);
  made(config_named("a"));
  server->watch(watching(Kind::config_maps, from), second);
  made(config_named("b"));
  EXPECT_THAT(first.told(), ElementsAre("ADDED a", "ADDED b"));
  EXPECT_THAT(second.told(), ElementsAre("ADDED a", "ADDED b"));
}

TEST_F(WatchTest, FutureRevisionStaysQuietUntilItIsReached) {
  // A client that has seen another server's newer state.
  Collector sink;
  const Revision ahead{now().epoch, now().value + 2};
  server->watch(watching(Kind::config_maps, ahead), sink);
  made(config_named("a"));
  made(config_named("b"));
  EXPECT_THAT(sink.told(), IsEmpty());
  made(config_named("c"));
  EXPECT_THAT(sink.told(), ElementsAre("ADDED c"));
}

TEST_F(WatchTest, BookmarksTellProgressOnlyToThoseWhoAsk) {
  auto request = watching(Kind::config_maps, now());
  Collector plain, marked;
  server->watch(request, plain);
  request.bookmarks = true;
  server->watch(request, marked);
  made(pod_named("p"));
  loop.run_for(options_.bookmark_period * 3);
  EXPECT_THAT(plain.events, IsEmpty());
  EXPECT_THAT(marked.events, SizeIs(::testing::AllOf(::testing::Ge(2u), ::testing::Le(4u))));
  EXPECT_EQ(marked.events.back().type, WatchType::bookmark);
  EXPECT_EQ(marked.events.back().revision, now());
}

TEST_F(WatchTest, TooOldIsExpired) {
  made(config_named("a"));
  const Revision old = now();
  for (int i = 0; i < 3; ++i) {
    put(config_named("a", std::to_string(i)));
    loop.run_for(4min);
  }
  Collector sink;
  server->watch(watching(Kind::config_maps, Revision{0, old.value - 1}), sink);
  loop.settle();
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].type, WatchType::error);
  EXPECT_EQ(sink.events[0].error.reason, Reason::expired);
  EXPECT_THAT(sink.events[0].error.message,
              ::testing::MatchesRegex("too old resource version: " + std::to_string(old.value - 1) +
                                      " \\([0-9]+\\)"));
  EXPECT_EQ(server->watches(), 0u);
}

TEST_F(WatchTest, HistoryOfTheWindowIsKept) {
  made(config_named("a"));
  const Revision from = now();
  put(config_named("a", "2"));
  loop.run_for(options_.history_window - 1s);
  Collector sink;
  server->watch(watching(Kind::config_maps, from), sink);
  loop.settle();
  EXPECT_THAT(sink.told(), ElementsAre("MODIFIED a"));
}

TEST_F(WatchTest, BadSelectorsAreRefused) {
  auto request = watching(Kind::pods, now());
  request.field_selector = "spec.foo=1";
  Collector sink;
  server->watch(request, sink);
  loop.settle();
  EXPECT_THAT(sink.told(), ElementsAre("ERROR field label not supported: spec.foo"));
}

// Bug B2: a server that has just started has no history in memory, but the store has it.
TEST_F(WatchTest, ResumesAcrossARestart) {
  made(config_named("a"));
  const Revision from = now();
  put(config_named("a", "2"));
  made(config_named("b"));
  made(pod_named("p"));
  restart();
  loop.settle();
  Collector maps, older;
  server->watch(watching(Kind::config_maps, from), maps);
  server->watch(watching(Kind::config_maps, Revision{from.epoch, from.value - 1}), older);
  loop.settle();
  put(config_named("b", "2"));
  EXPECT_THAT(maps.told(), ElementsAre("MODIFIED a", "ADDED b", "MODIFIED b"));
  EXPECT_THAT(older.told(), ElementsAre("ADDED a", "MODIFIED a", "ADDED b", "MODIFIED b"));
}

#ifdef KEELSON_SEEDED_BUGS
TEST_F(WatchTest, SeededBugWatchOffByOneLosesEvents) {
  made(config_named("a"));
  const Revision from = now();
  made(config_named("b"));
  restart();
  loop.settle();
  active_seeded_bug = SeededBug::watch_off_by_one;
  Collector sink;
  server->watch(watching(Kind::config_maps, from), sink);
  loop.settle();
  active_seeded_bug = SeededBug::none;
  EXPECT_THAT(sink.told(), IsEmpty());
}
#endif

TEST_F(WatchTest, BlockedSinkIsBufferedThenDropped) {
  options_.watch_buffer_max = 10;
  restart();
  loop.settle();
  Collector sink;
  sink.is_blocked = true;
  const auto id =
      server->watch(watching(Kind::config_maps, now()), static_cast<apiserver::PacedSink&>(sink));
  made(config_named("a", "0"));
  put(config_named("a", "1"));
  EXPECT_THAT(sink.events, IsEmpty());
  sink.is_blocked = false;
  server->resumed(id);
  loop.settle();
  EXPECT_THAT(sink.told(), ElementsAre("ADDED a", "MODIFIED a"));

  sink.is_blocked = true;
  for (int i = 2; i < 12; ++i) put(config_named("a", std::to_string(i)));
  EXPECT_FALSE(sink.closed);
  put(config_named("a", "12"));
  EXPECT_TRUE(sink.closed);
  EXPECT_EQ(server->watches(), 0u);
  EXPECT_THAT(sink.events, SizeIs(2));
}

TEST_F(WatchTest, UnwatchEndsDelivery) {
  Collector one, two;
  const auto id = server->watch(watching(Kind::config_maps, now()), one);
  server->watch(watching(Kind::config_maps, now()), two);
  made(config_named("a"));
  server->unwatch(id);
  made(config_named("b"));
  EXPECT_THAT(one.told(), ElementsAre("ADDED a"));
  EXPECT_THAT(two.told(), ElementsAre("ADDED a", "ADDED b"));
}

// Sinks do what they like from inside a delivery.
TEST_F(WatchTest, SinksMayUnwatchAndWatchWhileCalled) {
  struct Restless final : api::WatchSink {
    Restless(apiserver::ApiServer& server, api::WatchRequest request)
        : server(server), request(std::move(request)) {}
    void on_events(std::span<const api::WatchEvent> events) override {
      seen += events.size();
      server.unwatch(id);
      server.unwatch(neighbour);
      request.after = events.back().revision;
      id = server.watch(request, *this);
    }
    void on_closed() override {}
    apiserver::ApiServer& server;
    api::WatchRequest request;
    api::WatchId id, neighbour;
    std::size_t seen = 0;
  };
  Restless restless(*server, watching(Kind::config_maps));
  Collector other;
  restless.id = server->watch(watching(Kind::config_maps, now()), restless);
  restless.neighbour = server->watch(watching(Kind::config_maps, now()), other);
  for (int i = 0; i < 5; ++i) made(config_named("c" + std::to_string(i)));
  EXPECT_EQ(restless.seen, 5u);
  EXPECT_THAT(other.events, IsEmpty());
}

TEST_F(WatchTest, LostHistoryExpiresEveryWatch) {
  made(config_named("a"));
  const Revision keep = now();
  made(config_named("lost"));
  Collector sink;
  server->watch(watching(Kind::config_maps, now()), sink);
  loop.settle();
  ASSERT_TRUE(memory.fail_over(keep, now().value));
  loop.run_for(1s);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].error.reason, Reason::expired);
  EXPECT_TRUE(server->ready());
  EXPECT_FALSE(read<api::ConfigMap>("lost"));
  EXPECT_TRUE(read<api::ConfigMap>("a"));
  const auto after = made(config_named("new"));
  EXPECT_GT(after.revision().epoch, keep.epoch);
}

TEST_F(WatchTest, NotReadyClosesWatchesAndRefusesRequests) {
  restart();
  Collector sink;
  server->watch(watching(Kind::pods), sink);
  std::optional<Response> answer;
  server->handle(api::list(Kind::pods), [&](Response response) { answer = std::move(response); });
  EXPECT_FALSE(answer);
  loop.settle();
  EXPECT_TRUE(sink.closed);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error.reason, Reason::service_unavailable);
}

// Found by tests/sim/swarm.yaml, seed 9: a server restarted while others wrote, and a watch resumed from
// before.
TEST(WatchCacheTest, HistoryFromTheStoreRepeatsNothing) {
  const auto event = [](uint64_t revision, std::string value) {
    store::StoreEvent event;
    event.revision = {0, revision};
    event.object = api::make_object(config_named("m", std::move(value)), event.revision);
    event.previous = api::make_object(config_named("m", "before"), {0, revision - 1});
    return event;
  };
  apiserver::WatchCache cache;
  cache.load(event(3, "a").object);
  cache.loaded({0, 3}, {0, 6});  // other kinds were loaded at 6
  cache.apply(event(5, "b"));
  cache.apply(event(7, "c"));
  const std::vector<store::StoreEvent> fetched = {event(2, "z"), event(3, "a"), event(5, "b")};
  cache.prepend(fetched, {0, 1});
  std::vector<uint64_t> revisions;
  for (const auto& change : cache.history(Kind::config_maps)) {
    revisions.push_back(change.revision.value);
  }
  EXPECT_THAT(revisions, ::testing::ElementsAre(2, 3, 5, 7));
}

}  // namespace
}  // namespace keelson::test
