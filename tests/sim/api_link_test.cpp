// Calls and watches over the simulated network, between a client process and real API servers: what a
// client can rely on when requests, replies, paths and servers fail.
#include "sim/world/api_link.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/world/world.hpp"

namespace keelson::sim {
namespace {

constexpr HostId kClientHost = 1000;
constexpr uint32_t kAlways = 1'000'000;

struct Sink final : api::WatchSink {
  void on_events(std::span<const api::WatchEvent> batch) override {
    for (const api::WatchEvent& event : batch) {
      if (event.type == api::WatchType::bookmark) continue;
      if (event.type == api::WatchType::error) {
        ++errors;
        continue;
      }
      names.push_back(event.object->name());
      EXPECT_GT(event.revision, last) << "order";
      last = event.revision;
    }
  }
  void on_closed() override { ++closed; }
  std::vector<std::string> names;
  api::Revision last;
  int closed = 0, errors = 0;
};

class ApiLinkTest : public ::testing::Test {
 protected:
  ApiLinkTest() {
    WorldOptions options;
    options.api_servers = 2;
    options.controller_managers = options.schedulers = 0;
    world = std::make_unique<World>(std::move(options), Observers{});
    client = std::make_unique<Process>(world->engine(), 5000, "client");
    client->start();
    link = std::make_unique<ApiLink>(world->fabric(), *client, kClientHost, 0);
    world->start();
    run(2s);  // the servers create their namespaces
  }
  ~ApiLinkTest() override {
    link->reset();
    run(1s);  // the servers notice that its streams have ended, and speak of it no more
    link.reset();
    client.reset();
  }

  void run(Duration how_long) { world->engine().run_until(world->now() + how_long); }
  ApiFabric& fabric() { return world->fabric(); }

  static api::Request create(const std::string& name, const std::string& generate = {}) {
    api::ConfigMap map;
    map.mutable_metadata()->set_namespace_("default");
    map.mutable_metadata()->set_name(name);
    map.mutable_metadata()->set_generate_name(generate);
    api::Request request = api::create(api::make_object(std::move(map)));
    request.user = "kubernetes-admin";
    request.actor = "test";
    return request;
  }
  static api::Request list() {
    api::Request request = api::list(api::Kind::config_maps, "default");
    request.user = "kubernetes-admin";
    return request;
  }
  api::WatchRequest watch_after(api::Revision after) {
    api::WatchRequest request;
    request.kind = api::Kind::config_maps;
    request.ns = "default";
    request.after = after;
    request.user = "kubernetes-admin";
    return request;
  }

  // Calls and runs until the answer is there.
  api::Response ask(api::Request request) {
    auto answers = std::make_shared<std::vector<api::Response>>();
    link->call(std::move(request), [answers](api::Response r) { answers->push_back(std::move(r)); });
    EXPECT_TRUE(answers->empty()) << "called back from inside call()";
    for (int i = 0; i < 600 && answers->empty(); ++i) run(50ms);
    EXPECT_EQ(answers->size(), 1u);
    return answers->empty() ? api::Response{} : std::move(answers->front());
  }
  // What the store holds, whatever clients believe.
  std::size_t stored() const {
    store::ListQuery query;
    query.kind = api::Kind::config_maps;
    query.ns = "default";
    return world->store().history().list(query)->objects.size();
  }
  void make(const std::string& name) { ASSERT_TRUE(ask(create(name)).ok()); }

  Network::CutId cut_off() {
    HostSet inside, servers;
    inside.add(kClientHost);
    for (const HostId host : world->api_hosts()) servers.add(host);
    cut_back = world->network().add_cut(servers, inside);
    return world->network().add_cut(inside, servers);
  }
  void heal(Network::CutId cut) {
    world->network().heal(cut);
    world->network().heal(cut_back);
    for (ApiEndpoint* endpoint : fabric().endpoints) endpoint->flush_held();
  }

  std::unique_ptr<World> world;
  std::unique_ptr<Process> client;
  std::unique_ptr<ApiLink> link;
  Network::CutId cut_back = 0;
};

using Names = std::vector<std::string>;

// --- Calls ------------------------------------------------------------------------------------------

TEST_F(ApiLinkTest, ACallIsAnswered) {
  const auto before = stored();
  const auto created = ask(create("a"));
  ASSERT_TRUE(created.ok()) << created.error.message;
  EXPECT_EQ(created.object->name(), "a");
  EXPECT_EQ(stored(), before + 1);
}

TEST_F(ApiLinkTest, ALostRequestHasNoEffectAndTheCallerCannotKnow) {
  const auto before = stored();
  fabric().lose_request_ppm = kAlways;
  const Instant sent = client->now();
  const auto response = ask(create("a"));
  EXPECT_EQ(response.error.reason, api::Reason::unknown_outcome);
  EXPECT_GE(client->now() - sent, fabric().call_timeout);
  EXPECT_EQ(stored(), before);
  EXPECT_EQ(fabric().fired.requests_lost, 1u);
}

TEST_F(ApiLinkTest, ALostReplyMeansThatItHappened) {
  const auto before = stored();
  fabric().lose_reply_ppm = kAlways;
  const auto response = ask(create("a"));
  EXPECT_EQ(response.error.reason, api::Reason::unknown_outcome);
  EXPECT_EQ(stored(), before + 1);
  fabric().lose_reply_ppm = 0;
  EXPECT_EQ(ask(create("a")).error.reason, api::Reason::already_exists);
}

TEST_F(ApiLinkTest, ARequestThatArrivesTwiceTakesEffectOnce) {
  const auto before = stored();
  fabric().duplicate_ppm = kAlways;
  // Names are generated, so a second execution would succeed.
  int answers = 0;
  link->call(create("", "many-"), [&](api::Response r) { answers += r.ok() ? 1 : 100; });
  run(5s);
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(stored(), before + 1);
  EXPECT_GE(fabric().fired.duplicated, 1u);
}

TEST_F(ApiLinkTest, ManyDuplicatedAndLostCallsNeverHappenTwice) {
  const auto before = stored();
  fabric().duplicate_ppm = 300'000;
  fabric().lose_reply_ppm = 200'000;
  fabric().lose_request_ppm = 200'000;
  int answered = 0, done = 0, unknown = 0;
  constexpr int kCalls = 200;
  for (int i = 0; i < kCalls; ++i) {
    link->call(create("", "many-"), [&](api::Response r) {
      ++answered;
      done += r.ok();
      unknown += r.error.reason == api::Reason::unknown_outcome;
    });
    run(20ms);
  }
  run(30s);
  EXPECT_EQ(answered, kCalls);
  EXPECT_EQ(done + unknown, kCalls);
  const auto happened = static_cast<int>(stored() - before);
  EXPECT_GE(happened, done);
  EXPECT_LE(happened, done + unknown);
  EXPECT_GT(unknown, 0);
  EXPECT_LT(happened, kCalls) << "some requests were lost";
}

TEST_F(ApiLinkTest, AcrossACutCallsTimeOutAndLaterOnesWork) {
  const auto cut = cut_off();
  EXPECT_EQ(ask(create("a")).error.reason, api::Reason::unknown_outcome);
  heal(cut);
  EXPECT_TRUE(ask(create("a")).ok()) << "the first attempt had no effect";
}

TEST_F(ApiLinkTest, AServerThatIsDownRefusesAtOnceAndTheNextOneIsTried) {
  world->kill("api-0", 1h);
  const Instant sent = client->now();
  const auto refused = ask(create("a"));
  EXPECT_EQ(refused.error.reason, api::Reason::service_unavailable);
  EXPECT_LT(client->now() - sent, 1s);
  EXPECT_TRUE(ask(create("a")).ok());
}

TEST_F(ApiLinkTest, APinnedLinkStaysWithItsServer) {
  link->pin(0);
  world->kill("api-0", 3s);
  EXPECT_EQ(ask(create("a")).error.reason, api::Reason::service_unavailable);
  EXPECT_EQ(ask(create("a")).error.reason, api::Reason::service_unavailable);
  link->unpin();
  (void)ask(create("a"));
  EXPECT_TRUE(ask(list()).ok());
}

TEST_F(ApiLinkTest, ACallUnderWayWhenItsServerDiesHasAnUnknownOutcome) {
  std::vector<api::Reason> reasons;
  link->call(create("a"), [&](api::Response r) { reasons.push_back(r.error.reason); });
  run(700us);  // it has arrived, the store has not answered yet
  world->kill("api-0", 1h);
  run(1s);
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_EQ(reasons[0], api::Reason::unknown_outcome);
}

TEST_F(ApiLinkTest, AfterAResetNothingIsCalledBack) {
  int answers = 0;
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  run(100ms);
  link->call(create("a"), [&](api::Response) { ++answers; });
  client->kill();
  link->reset();
  client->start();
  run(20s);
  EXPECT_EQ(answers, 0);
  EXPECT_TRUE(sink.names.empty());
  EXPECT_EQ(sink.closed, 0);
  EXPECT_EQ(fabric().endpoints[0]->open_streams(), 0u) << "the server noticed";
}

// --- Watches ----------------------------------------------------------------------------------------

TEST_F(ApiLinkTest, AWatchBringsEveryChangeInOrder) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  Names expected;
  for (int i = 0; i < 30; ++i) {
    expected.push_back("m-" + std::to_string(i));
    make(expected.back());
  }
  run(1s);
  EXPECT_EQ(sink.names, expected);
}

TEST_F(ApiLinkTest, AStreamSurvivesACutWithoutLosingAnything) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  make("before");
  run(1s);
  const auto cut = cut_off();
  // Somebody else writes meanwhile.
  for (const char* name : {"x", "y", "z"}) {
    world->admin().call(create(name), [](api::Response r) { EXPECT_TRUE(r.ok()); });
    run(1s);
  }
  EXPECT_EQ(sink.names, Names{"before"});
  heal(cut);
  run(1s);
  EXPECT_EQ(sink.names, (Names{"before", "x", "y", "z"}));
  EXPECT_EQ(sink.closed, 0);
}

TEST_F(ApiLinkTest, AStalledStreamIsSilentAndThenGoesOn) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  run(100ms);
  fabric().endpoints[0]->set_stalled(true);
  make("a");
  run(30s);
  EXPECT_TRUE(sink.names.empty());
  EXPECT_EQ(sink.closed, 0);
  fabric().endpoints[0]->set_stalled(false);
  run(1s);
  EXPECT_EQ(sink.names, Names{"a"});
}

TEST_F(ApiLinkTest, ASlowWatchIsLateButComplete) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  run(100ms);
  fabric().slow_watches.push_back({"client", {}, 5s});
  make("a");
  make("b");
  run(4s);
  EXPECT_TRUE(sink.names.empty());
  fabric().slow_watches.clear();
  make("c");  // does not overtake what is under way
  run(500ms);
  EXPECT_TRUE(sink.names.empty());
  run(2s);
  EXPECT_EQ(sink.names, (Names{"a", "b", "c"}));
}

TEST_F(ApiLinkTest, AWatchMayBeSlowForOneKindAlone) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  run(100ms);
  fabric().slow_watches.push_back({"client", api::Kind::pods, 5s});
  fabric().slow_watches.push_back({"somebody else", {}, 5s});
  make("a");
  run(100ms);
  EXPECT_EQ(sink.names, Names{"a"});
}

TEST_F(ApiLinkTest, ARestartedServerClosesTheStreamAndAnotherOneResumesIt) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  make("before");
  run(1s);
  world->kill("api-0", 5s);
  run(1s);
  EXPECT_EQ(sink.closed, 1);
  (void)ask(list());  // the link has moved on to the other server
  make("between");
  Sink resumed;
  resumed.last = sink.last;
  link->watch(watch_after(sink.last), resumed);
  make("after");
  run(1s);
  EXPECT_EQ(resumed.names, (Names{"between", "after"}));
  EXPECT_EQ(sink.names, Names{"before"});
}

TEST_F(ApiLinkTest, AWatchOfAServerThatIsDownIsClosed) {
  link->pin(0);
  world->kill("api-0", 1h);
  Sink sink;
  link->watch(watch_after({1, 1}), sink);
  run(1s);
  EXPECT_EQ(sink.closed, 1);
}

TEST_F(ApiLinkTest, BrokenWatchesAreClosedAndCounted) {
  Sink sink;
  link->watch(watch_after(ask(list()).revision), sink);
  run(100ms);
  fabric().endpoints[0]->break_streams(1);
  run(100ms);
  EXPECT_EQ(sink.closed, 1);
  EXPECT_EQ(fabric().fired.watch_breaks, 1u);
}

TEST_F(ApiLinkTest, AnUnwatchedStreamSaysNothingMore) {
  Sink sink;
  const api::WatchId id = link->watch(watch_after(ask(list()).revision), sink);
  run(100ms);
  link->unwatch(id);
  make("a");
  run(1s);
  EXPECT_TRUE(sink.names.empty());
  EXPECT_EQ(sink.closed, 0);
  EXPECT_EQ(fabric().endpoints[0]->open_streams(), 0u);
}

}  // namespace
}  // namespace keelson::sim
