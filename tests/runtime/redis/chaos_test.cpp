// Two servers write without pause while Redis is killed, paused and cut off at random: in the end
// both, and one that has just started, have the same state, each has seen every event once, and
// every outcome was true. Prints its seed.
#include <signal.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <random>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using store::conformance::config;
using store::conformance::put_new;
using store::conformance::transaction;
using store::conformance::value_of;

// A watch that is taken up again where it ended, as the API server's is.
struct Follower final : store::WatchSink {
  explicit Follower(RedisStore& of) : store(of) {}
  void on_events(std::span<const store::StoreEvent> events) override {
    for (const store::StoreEvent& event : events) {
      EXPECT_EQ(event.revision.value, seen.value + 1);
      seen = event.revision;
    }
  }
  void on_closed(Error why) override {
    EXPECT_EQ(why.code, Code::unavailable) << why.message;
    watching = false;
  }
  void keep_up() {
    if (watching || !store.serving()) return;
    watching = true;
    store.watch(seen, *this);
  }
  RedisStore& store;
  store::Revision seen{1, 0};
  bool watching = false;
};

struct Server {
  Server(const RedisServer& redis, std::string of)
      : name(std::move(of)), client(redis, name), follower(client.store) {}
  // A new object each time: that it is there at the end is the outcome.
  void write(Rng& rng) {
    if (under_way > 20 || !client.store.serving()) return;
    ++under_way;
    const std::string key = name + std::to_string(rng.below(50)) + '-' + std::to_string(++asked);
    client.store.commit(transaction({put_new(config("n", key, "1", key))}),
                        [this, key](Result<Committed> result) {
                          --under_way;
                          outcomes.emplace(key, result.code());
                          if (result.ok()) {
                            EXPECT_EQ(result->objects.at(0)->name(), key);
                          }
                        });
  }
  void turn() {
    follower.keep_up();
    client.loop.run_round(0ms);
  }
  std::string name;
  RedisClient client;
  Follower follower;
  std::map<std::string, Code> outcomes;
  int asked = 0, under_way = 0;
};

TEST_F(RedisTest, ServersAgreeAfterChaos) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  RedisServer redis({"--appendfsync", "always"});
  Server a(redis, "a"), b(redis, "b");
  a.client.serve();
  b.client.serve();
  for (int fault = 0; fault < 25; ++fault) {
    const Instant until = a.client.loop.now() + rng.between(Duration(5ms), Duration(80ms));
    while (a.client.loop.now() < until) {
      a.write(rng);
      b.write(rng);
      a.turn();
      b.turn();
    }
    switch (rng.below(5)) {
      case 0:
      case 1:
        redis.stop(SIGKILL);
        redis.start();
        break;
      case 2: redis.cli({"BGREWRITEAOF"}); break;
      case 3: redis.cli({"CLIENT", "KILL", "TYPE", rng.chance(1, 2) ? "normal" : "pubsub"}); break;
      default:
        kill(redis.pid(), SIGSTOP);
        usleep(static_cast<useconds_t>(rng.below(30'000)));
        kill(redis.pid(), SIGCONT);
    }
  }
  const Instant limit = a.client.loop.now() + 20s;
  while ((a.under_way > 0 || b.under_way > 0 || !a.client.store.serving() ||
          !b.client.store.serving()) &&
         a.client.loop.now() < limit) {
    a.turn();
    b.turn();
  }
  EXPECT_EQ(a.under_way + b.under_way, 0);
  Server c(redis, "c");
  c.client.serve();
  const auto all_of = [](Server& server) {
    return server.client.await<store::ListPage>(
        [&](auto done) { server.client.store.list({api::Kind::config_maps}, std::move(done)); });
  };
  const auto in_a = all_of(a), in_b = all_of(b), in_c = all_of(c);
  ASSERT_TRUE(in_a.ok() && in_b.ok() && in_c.ok());
  EXPECT_EQ(in_a->revision, in_c->revision);
  ASSERT_EQ(in_a->objects.size(), in_c->objects.size());
  ASSERT_EQ(in_b->objects.size(), in_c->objects.size());
  std::map<std::string, bool> there;
  for (std::size_t i = 0; i < in_c->objects.size(); ++i) {
    const store::ObjectPtr& object = in_c->objects[i];
    there[object->name()] = true;
    for (const store::ObjectPtr& same : {in_a->objects[i], in_b->objects[i]}) {
      EXPECT_EQ(same->key(), object->key());
      EXPECT_EQ(same->revision(), object->revision());
      EXPECT_EQ(value_of(same), value_of(object));
    }
  }
  std::map<Code, int> counts;
  for (Server* server : {&a, &b}) {
    for (int i = 0; i < 50; ++i) server->turn();
    EXPECT_EQ(server->follower.seen, in_c->revision) << "every event, once";
    EXPECT_FALSE(server->client.lost);
    for (const auto& [key, outcome] : server->outcomes) {
      ++counts[outcome];
      EXPECT_EQ(there.count(key) == 1, outcome == Code::ok) << key << ' ' << to_string(outcome);
    }
  }
  EXPECT_EQ(counts.size(), 2u) << "only happened, and not happened";
  EXPECT_GT(counts[Code::ok], 100);
}

}  // namespace
}  // namespace keelson::test
