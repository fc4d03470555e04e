// What a server does to its clients when it is killed, full, silent, busy or somebody else's.
#include <signal.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using store::conformance::config;
using store::conformance::put_new;
using store::conformance::transaction;

using RedisTrouble = RedisTest;

// Writes without pause, and what became of each.
struct Writer {
  explicit Writer(RedisClient& of, std::string value = "1") : client(of), value(std::move(value)) {}
  void write() {
    const std::string name = "w" + std::to_string(asked++);
    client.store.commit(
        transaction({put_new(config("n", name, value, name))}),
        [this, name](Result<Committed> result) {
          ++answered;
          (result.ok() ? kept : result.code() == Code::unavailable ? never : unknown).insert(name);
        });
  }
  void expect_the_truth() {
    EXPECT_TRUE(client.until([&] { return answered == asked; }));
    client.settle();
    for (const std::string& name : kept) {
      EXPECT_TRUE(client.get(name).ok()) << name << " was acknowledged and is gone";
    }
    for (const std::string& name : never) {
      EXPECT_EQ(client.get(name).code(), Code::not_found) << name << " was refused and happened";
    }
  }
  RedisClient& client;
  std::string value;
  std::set<std::string> kept, never, unknown;
  int asked = 0, answered = 0;
};

TEST_F(RedisTrouble, KilledUnderLoadItLosesNothingAndTheLogTellsEveryOutcome) {
  RedisServer server({"--appendfsync", "always"});
  RedisClient client(server);
  client.serve();
  Writer writer(client);
  for (int round = 0; round < 5; ++round) {
    const std::size_t enough = writer.kept.size() + 100;
    EXPECT_TRUE(client.until([&] {
      for (int i = 0; i < 10; ++i) writer.write();
      return writer.kept.size() >= enough;
    }));
    server.stop(SIGKILL);
    client.part();
    server.start();
    client.serve();
  }
  writer.expect_the_truth();
  EXPECT_GT(writer.never.size(), 0u) << "it was killed between two writes each time";
  EXPECT_TRUE(writer.unknown.empty()) << writer.unknown.size();
  EXPECT_FALSE(client.lost);
}

TEST_F(RedisTrouble, OutOfMemoryItRefusesWritesAndGoesOnReading) {
  RedisServer server;
  RedisClient client(server);
  client.serve();
  server.cli({"CONFIG", "SET", "maxmemory", "1"});
  const auto refused = client.put_new("x");
  EXPECT_EQ(refused.code(), Code::unavailable);
  EXPECT_NE(refused.error().message.find("OOM"), std::string::npos) << refused.error().message;
  EXPECT_EQ(client.get("x").code(), Code::not_found) << "reads go on";
  EXPECT_TRUE(client.await<Unit>([&](auto done) {
                      client.store.compact({1, 0}, std::move(done));
                    })
                  .ok())
      << "or there would never be room again";
  server.cli({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(client.put_new("x").ok());
}

TEST_F(RedisTrouble, WithoutEnoughReplicasItRefusesWrites) {
  RedisServer server;
  RedisClient client(server);
  client.serve();
  server.cli({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_EQ(client.put_new("x").code(), Code::unavailable);
  EXPECT_EQ(client.get("x").code(), Code::not_found);
  server.cli({"CONFIG", "SET", "min-replicas-to-write", "0"});
  EXPECT_TRUE(client.put_new("x").ok());
}

// A file system of a megabyte.
struct SmallDisk {
  SmallDisk() {
    std::string name = (std::filesystem::temp_directory_path() / "keelson-disk-XXXXXX").string();
    if (mkdtemp(name.data())) at = name;
    mounted = mount("none", at.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted) umount2(at.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove_all(at, ignored);
  }
  void grow() { mount("none", at.c_str(), "tmpfs", MS_REMOUNT, "size=64m"); }
  std::string at;
  bool mounted = false;
};

// Under appendfsync always Redis ends itself rather than acknowledge what is not on disk.
TEST_F(RedisTrouble, WithAFullDiskItAcknowledgesNothingThatIsLost) {
  SmallDisk disk;
  if (!disk.mounted) GTEST_SKIP() << "mounting a small disk needs root";
  RedisServer server(
      RedisServerOptions{.arguments = {"--appendfsync", "always"}, .directory = disk.at});
  RedisClient client(server);
  client.serve();
  Writer writer(client, std::string(10'000, 'x'));
  EXPECT_TRUE(client.until([&] {
    if (client.store.serving() && writer.asked - writer.answered < 8) writer.write();
    return !client.store.serving();
  }));
  EXPECT_TRUE(server.wait_for_end()) << server.log();
  disk.grow();
  server.start();
  client.serve();
  writer.expect_the_truth();
  EXPECT_GT(writer.kept.size(), 10u);
  EXPECT_TRUE(writer.unknown.empty()) << writer.unknown.size();
  EXPECT_FALSE(client.lost);
  EXPECT_TRUE(client.put_new("after").ok());
}

// Otherwise it refuses writes until there is room again.
TEST_F(RedisTrouble, WithAFullDiskAndNoSyncItRefusesWrites) {
  SmallDisk disk;
  if (!disk.mounted) GTEST_SKIP() << "mounting a small disk needs root";
  RedisServer server(
      RedisServerOptions{.arguments = {"--appendfsync", "everysec"}, .directory = disk.at});
  RedisClient client(server);
  client.serve();
  Writer writer(client, std::string(10'000, 'x'));
  EXPECT_TRUE(client.until([&] {
    if (writer.asked - writer.answered < 8) writer.write();
    return !writer.never.empty();
  }));
  const auto refused = client.put_new("x");
  EXPECT_EQ(refused.code(), Code::unavailable);
  EXPECT_NE(refused.error().message.find("MISCONF"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(client.get("w0").ok()) << "reads go on";
  disk.grow();
  EXPECT_TRUE(client.until([&] { return client.put_new("x").ok(); }));
  writer.expect_the_truth();
}

// A master that became a replica: nothing is written there, and nobody trusts what it says.
TEST_F(RedisTrouble, DemotedItIsAway) {
  RedisServer server;
  RedisClient client(server);
  client.serve();
  ASSERT_TRUE(client.put_new("x").ok());
  server.cli({"REPLICAOF", "127.0.0.1", "1"});
  const auto refused = client.put_new("y");
  EXPECT_EQ(refused.code(), Code::unavailable);
  client.part();
  EXPECT_TRUE(client.until([&] { return client.store.trouble() == "it is a slave, no master"; }))
      << client.store.trouble();
  server.cli({"REPLICAOF", "NO", "ONE"});
  client.serve();
  EXPECT_EQ(client.get("y").code(), Code::not_found);
  EXPECT_TRUE(client.get("x").ok());
  EXPECT_FALSE(client.lost);
}

TEST_F(RedisTrouble, LoadingItIsAwayUntilItHasLoaded) {
  RedisServer server;
  {
    RedisClient first(server);
    first.serve();
    Writer writer(first);
    for (int i = 0; i < 1500; ++i) writer.write();  // it looks up from loading every 1024 commands
    writer.expect_the_truth();
  }
  server.stop(SIGKILL);
  RedisServer slow(RedisServerOptions{.arguments = {"--key-load-delay", "500"},
                                      .directory = server.directory()});
  RedisClient client(slow, "b");
  EXPECT_TRUE(client.until([&] {
    return client.store.trouble().find("LOADING") != std::string::npos;
  })) << client.store.trouble();
  slow.cli({"CONFIG", "SET", "key-load-delay", "0"});
  client.serve();
  EXPECT_TRUE(client.get("w1499").ok());
}

// Somebody's script keeps Redis for itself.
TEST_F(RedisTrouble, BusyItIsAwayAndNothingHappens) {
  RedisServer server({"--busy-reply-threshold", "100"});
  RedisClient client(server);
  client.serve();
  const int ended = system(
      ("timeout 1 redis-cli -s " + server.socket() + " EVAL 'while true do end' 0 >/dev/null 2>&1")
          .c_str());
  EXPECT_NE(ended, 0);
  Writer writer(client);
  writer.write();
  client.part();
  EXPECT_NE(client.store.trouble().find("BUSY"), std::string::npos) << client.store.trouble();
  server.cli({"SCRIPT", "KILL"});
  client.serve();
  writer.expect_the_truth();
  EXPECT_TRUE(writer.unknown.empty());
}

// A server that is stopped answers nothing and closes nothing, as at the far end of a cut cable.
TEST_F(RedisTrouble, SilentItIsAwayAndTheOutcomeIsFoundOut) {
  RedisServer server;
  RedisClient client(server, "a", [](RedisStoreOptions& options) { options.patience = 2s; });
  client.serve();
  kill(server.pid(), SIGSTOP);
  Writer writer(client);
  writer.write();
  client.part();
  EXPECT_NE(client.store.trouble().find("no answer"), std::string::npos) << client.store.trouble();
  EXPECT_EQ(client.get("w0").code(), Code::unavailable);
  kill(server.pid(), SIGCONT);
  client.serve();
  writer.expect_the_truth();
  EXPECT_TRUE(writer.unknown.empty());
}

// An outcome is unknown at last if nobody can be asked.
TEST_F(RedisTrouble, GoneForGoodItLeavesOutcomesUnknown) {
  RedisServer server;
  RedisClient client(server, "a", [](RedisStoreOptions& options) { options.unknown_after = 1s; });
  client.serve();
  kill(server.pid(), SIGSTOP);
  Writer writer(client);
  writer.write();
  for (int i = 0; i < 5; ++i) client.loop.run_round(1ms);  // it is sent
  server.stop(SIGKILL);
  EXPECT_TRUE(client.until([&] { return writer.answered == 1; }));
  EXPECT_EQ(writer.unknown.size(), 1u);
}

// Somebody has emptied the functions: they are loaded again.
TEST_F(RedisTrouble, WithoutItsLibraryItGetsItBack) {
  RedisServer server;
  RedisClient client(server);
  client.serve();
  server.cli({"FUNCTION", "FLUSH"});
  EXPECT_EQ(client.put_new("x").code(), Code::unavailable);
  client.serve();
  EXPECT_TRUE(client.put_new("x").ok());
}

TEST_F(RedisTrouble, WithAWrongPasswordTheReasonIsSaid) {
  RedisServer server(RedisServerOptions{.arguments = {"--requirepass", "right"}, .tcp = true});
  const auto with = [&](const char* user, const char* password) {
    return [&server, user, password](RedisStoreOptions& options) {
      options.address = {};
      options.address.tcp = {"127.0.0.1", server.port()};
      options.address.user = user;
      options.address.password = password;
    };
  };
  RedisClient wrong(server, "a", with("", "wrong"));
  EXPECT_TRUE(wrong.until([&] { return wrong.store.trouble().find("WRONGPASS") == 0; }))
      << wrong.store.trouble();
  RedisClient none(server, "b", with("", ""));
  EXPECT_TRUE(none.until([&] { return none.store.trouble().find("NOAUTH") == 0; }))
      << none.store.trouble();
  RedisClient right(server, "c", with("", "right"));
  right.serve();
  EXPECT_TRUE(right.put_new("x").ok());
}

// What is not Keelson's in the log is not guessed at.
TEST_F(RedisTrouble, WithAStrangersEntryInItsLogItSaysSo) {
  RedisServer server;
  RedisClient client(server);
  client.serve();
  ASSERT_TRUE(client.put_new("x").ok());
  server.cli({"XADD", "{keelson}:log", "2-0", "hello", "world"});
  client.part();
  EXPECT_EQ(client.store.trouble(), "entry 2-0 of the log is none of Keelson's");
  server.cli({"XDEL", "{keelson}:log", "2-0"});
  client.serve();
  EXPECT_TRUE(client.get("x").ok());
}

// Objects of a megabyte, as many as one answer could not hold.
TEST_F(RedisTrouble, WithLargeObjectsItReadsFewAtATime) {
  RedisServer server;
  {
    RedisClient first(server);
    first.serve();
    Writer writer(first, std::string(1'000'000, 'x'));
    for (int i = 0; i < 40; ++i) writer.write();
    EXPECT_TRUE(first.until([&] { return writer.answered == 40; }));
    EXPECT_EQ(writer.kept.size(), 40u);
  }
  RedisClient second(server, "b");
  second.serve();
  EXPECT_TRUE(second.get("w39").ok());
}

// The rights that the README names are enough, and nearly all others are missing.
TEST_F(RedisTrouble, WithTheRightsOfTheReadmeItServes) {
  RedisServer server(RedisServerOptions{.tcp = true});
  const std::vector<std::string> rules{
      "ACL",       "SETUSER",        "keelson", "on",       ">secret", "~{keelson}*", "+fcall",
      "+fcall_ro", "+function|load", "+xread",  "+wait",    "+role",   "+ping",       "+hset",
      "+hget",     "+hmget",         "+hdel",   "+hincrby", "+hscan",  "+hlen",       "+xadd",
      "+xrange",   "+xtrim",         "+del",    "+exists"};
  ASSERT_EQ(server.cli(rules), "OK\n");
  RedisClient client(server, "a", [&](RedisStoreOptions& options) {
    options.address = {};
    options.address.tcp = {"127.0.0.1", server.port()};
    options.address.user = "keelson";
    options.address.password = "secret";
  });
  client.serve();
  EXPECT_TRUE(client.put_new("x").ok());
  EXPECT_TRUE(
      client
          .commit(transaction({store::conformance::removal(store::conformance::key_of("n", "x"))}))
          .ok());
  EXPECT_TRUE(client
                  .await<Unit>([&](auto done) {
                    client.store.beat({{"n1", 1, {}, {}}}, std::move(done));
                  })
                  .ok());
  EXPECT_TRUE(client.await<Unit>([&](auto done) {
                      client.store.compact({1, 1}, std::move(done));
                    })
                  .ok());
  // One right less: the reason is said.
  ASSERT_EQ(server.cli({"ACL", "SETUSER", "keelson", "-xadd"}), "OK\n");
  const auto refused = client.put_new("y");
  EXPECT_EQ(refused.code(), Code::unavailable) << "the log tells that nothing happened";
  EXPECT_NE(refused.error().message.find("can't run this command"), std::string::npos)
      << refused.error().message;
}

}  // namespace
}  // namespace keelson::test
