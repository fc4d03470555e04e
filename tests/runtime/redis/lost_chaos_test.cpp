// Two servers write while Redis comes back with older states of itself at random: all of them agree
// in the end, no revision is ever used twice, and what was refused as "nothing happened" did not.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <random>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using store::Revision;
using store::conformance::config;
using store::conformance::put_new;
using store::conformance::transaction;

struct LostServer {
  LostServer(const RedisServer& redis, std::string of) : name(std::move(of)), client(redis, name) {}
  void write() {
    if (under_way > 5 || !client.store.serving()) return;
    ++under_way;
    const std::string key = name + std::to_string(++asked);
    client.store.commit(transaction({put_new(config("n", key, "1", key))}),
                        [this, key](Result<Committed> result) {
                          --under_way;
                          if (result.ok()) {
                            const auto [at, fresh] = used.emplace(result->revision.value, key);
                            EXPECT_TRUE(fresh) << result->revision.value << " is of " << at->second
                                               << " and of " << key;
                            EXPECT_GE(result->revision.epoch, epoch);
                            epoch = result->revision.epoch;
                          } else if (result.code() == Code::unavailable) {
                            never.emplace(key, result.error().message);
                          }
                        });
  }
  std::string name;
  RedisClient client;
  std::map<uint64_t, std::string> used;  // revisions, and for which object
  std::map<std::string, std::string> never;  // and why
  uint64_t epoch = 0;
  int asked = 0, under_way = 0;
};

TEST_F(RedisTest, ServersAgreeAfterHistoryWasLostAgainAndAgain) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  RedisServer redis({"--appendfsync", "always"});
  const auto files = redis.directory() / "appendonlydir", saved = redis.directory() / "saved";
  LostServer a(redis, "a"), b(redis, "b");
  a.client.serve();
  b.client.serve();
  const auto run = [&](Duration time, bool with_a, bool with_b) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
      for (LostServer* server : {with_a ? &a : nullptr, with_b ? &b : nullptr}) {
        if (!server) continue;
        server->write();
        server->client.loop.run_round(0ms);
      }
    }
  };
  int losses = 0;
  for (int round = 0; round < 8; ++round) {
    run(rng.between(Duration(20ms), Duration(60ms)), true, true);
    redis.stop(SIGKILL);
    std::filesystem::remove_all(saved);
    std::filesystem::copy(files, saved);
    redis.start();
    run(rng.between(Duration(100ms), Duration(200ms)), true, true);
    redis.stop(SIGKILL);
    std::filesystem::remove_all(files);
    std::filesystem::copy(saved, files);
    redis.start();
    // Either of them may be the first to come back, and write before the other one looks.
    const uint64_t first = rng.below(3);
    run(200ms, first != 0, first != 1);
    losses += a.client.lost.has_value() + b.client.lost.has_value();
    a.client.lost.reset();
    b.client.lost.reset();
  }
  EXPECT_GE(losses, 1);
  const auto settled = [&] {
    a.client.loop.run_round(0ms);
    b.client.loop.run_round(0ms);
    return a.client.store.serving() && b.client.store.serving() && a.client.store.idle() &&
           b.client.store.idle();
  };
  ASSERT_TRUE(a.client.until(settled)) << a.client.store.trouble() << b.client.store.trouble();
  LostServer c(redis, "c");
  c.client.serve();
  const auto all_of = [](LostServer& server) {
    return server.client.await<store::ListPage>(
        [&](auto done) { server.client.store.list({api::Kind::config_maps}, std::move(done)); });
  };
  // A server whose history was cut off learns of the new epoch when it asks; then it is there
  // again.
  Result<store::ListPage> in_a = all_of(a), in_b = all_of(b), in_c = all_of(c);
  for (int i = 0; i < 3 && !(in_a.ok() && in_b.ok()); ++i) {
    ASSERT_TRUE(a.client.until(settled));
    in_a = all_of(a);
    in_b = all_of(b);
  }
  ASSERT_TRUE(in_a.ok() && in_b.ok() && in_c.ok());
  EXPECT_EQ(in_a->revision, in_c->revision);
  EXPECT_EQ(in_b->revision, in_c->revision);
  ASSERT_EQ(in_a->objects.size(), in_c->objects.size());
  ASSERT_EQ(in_b->objects.size(), in_c->objects.size());
  for (std::size_t i = 0; i < in_c->objects.size(); ++i) {
    const store::ObjectPtr& object = in_c->objects[i];
    EXPECT_EQ(in_a->objects[i]->key(), object->key());
    EXPECT_EQ(in_b->objects[i]->key(), object->key());
    EXPECT_EQ(in_a->objects[i]->revision().value, object->revision().value);
    EXPECT_EQ(in_b->objects[i]->revision().value, object->revision().value);
    for (const LostServer* server : {&a, &b}) {
      const auto refused = server->never.find(object->name());
      if (refused == server->never.end()) continue;
      ADD_FAILURE() << object->name() << " at " << object->revision().value
                    << " was refused and happened: " << refused->second;
    }
  }
}

}  // namespace
}  // namespace keelson::test
