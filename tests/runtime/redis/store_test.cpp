// Several servers on one Redis, and what a store is told about the Redis that it meets.
#include <signal.h>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using store::Write;
using store::conformance::config;
using store::conformance::key_of;
using store::conformance::put;
using store::conformance::RecordingSink;
using store::conformance::removal;
using store::conformance::transaction;
using store::conformance::value_of;

using RedisStoreTest = RedisTest;

TEST_F(RedisStoreTest, TwoServersShareOneHistory) {
  RedisServer server;
  RedisClient a(server, "a"), b(server, "b");
  a.serve();
  b.serve();
  RecordingSink seen;
  b.store.watch({1, 0}, seen);
  ASSERT_TRUE(a.put_new("x").ok());
  EXPECT_EQ(value_of(*b.get("x")), "1") << "a read sees what was answered before it";
  Write change = put(config("n", "x", "2", "uid-x"));
  change.revision = store::Revision{1, 1};
  ASSERT_TRUE(b.commit(transaction({change})).ok());
  EXPECT_EQ(a.commit(transaction({change})).code(), Code::conflict);
  b.settle();
  ASSERT_EQ(seen.events.size(), 2u);
  EXPECT_EQ(value_of(seen.events[1].object), "2");
  EXPECT_EQ(value_of(seen.events[1].previous), "1");
}

TEST_F(RedisStoreTest, AServerThatStartsFindsEverything) {
  RedisServer server;
  {
    RedisClient a(server, "a");
    a.serve();
    int written = 0;
    for (int i = 0; i < 1200; ++i) {
      const std::string name = "c" + std::to_string(i);
      a.store.commit(transaction({put(config("n", name, "1", name))}),
                     [&](Result<Committed> result) { written += result.ok(); });
    }
    a.settle();
    EXPECT_EQ(written, 1200);
    ASSERT_TRUE(a.commit(transaction({removal(key_of("n", "c7"))})).ok());
  }
  RedisClient b(server, "b");
  b.serve();
  EXPECT_EQ(b.get("c7").code(), Code::not_found);
  EXPECT_EQ(value_of(*b.get("c1199")), "1");
  EXPECT_TRUE(b.put_new("c7").ok());
}

// While a server reads everything, page by page, another one changes it.
TEST_F(RedisStoreTest, AServerThatStartsAmidWritesFindsOneState) {
  RedisServer server;
  RedisClient a(server, "a");
  a.serve();
  for (int i = 0; i < 600; ++i) {
    const std::string name = "c" + std::to_string(i);
    a.store.commit(transaction({put(config("n", name, "0", name))}), [](Result<Committed>) {});
  }
  a.settle();
  RedisClient b(server, "b");
  int round = 0;
  EXPECT_TRUE(b.until([&] {
    for (int i = 0; i < 10; ++i) a.loop.run_round(0ms);
    if (!a.store.idle()) return b.store.serving();
    // Both of a pair, always: a state in which they differ never existed.
    const std::string one = "c" + std::to_string(round % 300);
    const std::string other = "c" + std::to_string(599 - round % 300);
    const std::string value = std::to_string(++round);
    if (round % 7 == 0) {
      a.store.commit(transaction({removal(key_of("n", one)), removal(key_of("n", other))}),
                     [](Result<Committed>) {});
    } else {
      a.store.commit(
          transaction({put(config("n", one, value, one)), put(config("n", other, value, other))}),
          [](Result<Committed>) {});
    }
    return b.store.serving();
  }));
  EXPECT_GT(round, 10);
  a.settle();
  b.settle();
  for (int i = 0; i < 300; ++i) {
    const std::string one = "c" + std::to_string(i), other = "c" + std::to_string(599 - i);
    const auto mine = b.get(one), theirs = b.get(other), truth = a.get(one);
    ASSERT_EQ(mine.code(), truth.code()) << one;
    ASSERT_EQ(theirs.code(), truth.code()) << other;
    if (!truth.ok()) continue;
    EXPECT_EQ(value_of(*mine), value_of(*truth));
    EXPECT_EQ((*mine)->revision(), (*truth)->revision());
    EXPECT_EQ(value_of(*theirs), value_of(*mine));
  }
}

// A transaction that the log is read in pieces around arrives whole.
TEST_F(RedisStoreTest, NobodySeesHalfATransaction) {
  RedisServer server;
  RedisClient a(server, "a"), b(server, "b");
  a.serve();
  b.serve();
  int answered = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<Write> writes;
    for (int i = 0; i < 300; ++i) {
      const std::string name = "c" + std::to_string(i);
      writes.push_back(put(config("n", name, std::to_string(round), name)));
    }
    a.store.commit(transaction(std::move(writes)),
                   [&](Result<Committed> result) { answered += result.ok(); });
  }
  int lists = 0, asked = 0;
  EXPECT_TRUE(a.until([&] {
    if (asked == lists) {
      ++asked;
      b.store.list({api::Kind::config_maps}, [&](Result<store::ListPage> page) {
        ++lists;
        ASSERT_TRUE(page.ok()) << page.error().message;
        for (const ObjectPtr& object : page->objects) {
          ASSERT_EQ(value_of(object), value_of(page->objects.front()));
        }
      });
    }
    for (int i = 0; i < 10; ++i) b.loop.run_round(0ms);
    return answered == 20;
  }));
  EXPECT_GT(lists, 1);
  b.settle();
}

TEST_F(RedisStoreTest, RefusesAnotherClustersStore) {
  RedisServer server;
  RedisClient a(server);
  a.serve();
  RedisClient b(server, "b", [](RedisStoreOptions& options) { options.cluster = "another"; });
  EXPECT_TRUE(b.until([&] { return b.store.trouble().find("cluster") != std::string::npos; }));
  EXPECT_EQ(b.store.trouble(), "it is the store of cluster \"keelson\", not of \"another\"");
  EXPECT_FALSE(b.store.serving());
}

TEST_F(RedisStoreTest, RefusesAnEmptyRedisThatMustNotBeEmpty) {
  RedisServer server;
  RedisClient a(server, "a", [](RedisStoreOptions& options) { options.create = false; });
  EXPECT_TRUE(a.until([&] { return a.store.trouble().find("it is empty") == 0; }))
      << a.store.trouble();
  // Nor may one that has lost everything begin anew.
  RedisClient b(server, "b");
  b.serve();
  server.cli({"FLUSHALL"});
  EXPECT_FALSE(b.put_new("x").ok());
  EXPECT_TRUE(b.until([&] { return b.store.trouble().find("it is empty") == 0; }))
      << b.store.trouble();
}

TEST_F(RedisStoreTest, CompactionGivesTheLogBack) {
  RedisServer server;
  RedisClient client(server);
  client.serve();
  for (int i = 0; i < 12'000; ++i) {
    client.store.commit(transaction({put(config("n", "x", std::to_string(i), "uid-x"))}),
                        [](Result<Committed> result) { EXPECT_TRUE(result.ok()); });
  }
  client.settle();
  RecordingSink recent;
  const auto compacted = client.await<Unit>([&](auto done) {
    client.store.compact({1, 11'900}, std::move(done));
  });
  EXPECT_TRUE(compacted.ok());
  EXPECT_EQ(server.cli({"XLEN", "{keelson}:log"}), "100\n");
  RecordingSink late;
  client.store.watch({1, 11'899}, late);
  client.store.watch({1, 11'900}, recent);
  client.settle();
  EXPECT_EQ(late.closed, Code::compacted);
  EXPECT_EQ(recent.events.size(), 100u);
}

TEST_F(RedisStoreTest, ReadsEverythingAgainIfItWasAwayForTooLong) {
  RedisServer server;
  RedisClient client(server), other(server, "other");
  client.serve();
  other.serve();
  EXPECT_TRUE(client.put_new("x").ok());
  EXPECT_TRUE(other.get("x").ok());
  EXPECT_TRUE(client.put_new("y").ok());
  EXPECT_TRUE(client.commit(transaction({removal(key_of("n", "x"))})).ok());
  EXPECT_TRUE(client.await<Unit>([&](auto done) {
                      client.store.compact({1, 3}, std::move(done));
                    })
                  .ok());
  server.cli({"CLIENT", "KILL", "TYPE", "normal"});
  other.part();
  other.serve();
  EXPECT_FALSE(other.lost) << "nothing says that history was lost";
  EXPECT_EQ(other.get("x").code(), Code::not_found);
  EXPECT_TRUE(other.get("y").ok());
  RecordingSink late;
  other.store.watch({1, 1}, late);
  other.settle();
  EXPECT_EQ(late.closed, Code::compacted);
}

TEST_F(RedisStoreTest, RolesOutliveTheServersThatHeldThem) {
  RedisServer server({"--appendfsync", "always"});
  uint64_t token = 0;
  {
    RedisClient a(server, "a");
    a.serve();
    Transaction grant = transaction({put(config("n", "role", "1", "uid-role"))});
    grant.grant_role = "kube-system/boss";
    token = a.commit(std::move(grant))->revision.value;
  }
  server.stop(SIGKILL);
  server.start();
  RedisClient b(server, "b");
  b.serve();
  Transaction mine = transaction({put(config("n", "x", "1", "uid-x"))});
  mine.fence = {"kube-system/boss", token};
  EXPECT_TRUE(b.commit(mine).ok());
  mine.fence.token = token + 1;
  EXPECT_EQ(b.commit(mine).code(), Code::fenced);
}

TEST_F(RedisStoreTest, AnswersWhatIsUnderWayWhenItIsDestroyed) {
  RedisServer server;
  int answers = 0;
  runtime::AsioLoop loop;
  NullLog log;
  {
    RedisStore gone(loop, log, RedisClient::options(server, "a", {}), 1);
    while (!gone.serving()) loop.run_round(5ms);
    gone.commit(transaction({put(config("n", "x", "1", "u"))}),
                [&](Result<Committed>) { ++answers; });
    loop.run_round(0ms);
    loop.run_round(0ms);
    gone.commit(transaction({put(config("n", "y", "1", "u"))}),
                [&](Result<Committed>) { ++answers; });
    gone.get(key_of("n", "x"), [&](Result<ObjectPtr>) { ++answers; });
    gone.beat({{"n1", 1, {}, {}}}, [&](Result<Unit>) { ++answers; });
    gone.compact({1, 1}, [&](Result<Unit>) { ++answers; });
  }
  for (int i = 0; i < 10; ++i) loop.run_round(0ms);
  EXPECT_EQ(answers, 5);
}

}  // namespace
}  // namespace keelson::test
