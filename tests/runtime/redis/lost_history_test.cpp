// History that was acknowledged and is gone: noticed, told, and gone on from.
#include <signal.h>

#include <filesystem>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using store::Revision;
using store::conformance::config;
using store::conformance::put;
using store::conformance::RecordingSink;
using store::conformance::transaction;

// A server whose files can be saved and put back.
class RedisLostHistory : public RedisTest {
 protected:
  static void save(const RedisServer& server) {
    std::filesystem::copy(files(server), saved(server));
  }
  static void put_back(const RedisServer& server) {
    std::filesystem::remove_all(files(server));
    std::filesystem::copy(saved(server), files(server));
  }

 private:
  static std::filesystem::path files(const RedisServer& server) {
    return server.directory() / "appendonlydir";
  }
  static std::filesystem::path saved(const RedisServer& server) {
    return server.directory() / "saved";
  }
};

// As after a failover to a replica that had fallen behind.
TEST_F(RedisLostHistory, IsNoticedWhenAnOlderStateComesBack) {
  RedisServer server({"--appendfsync", "always"});
  RedisClient client(server);
  client.serve();
  ASSERT_TRUE(client.put_new("old").ok());
  save(server);
  for (const char* name : {"x", "y", "z"}) ASSERT_TRUE(client.put_new(name).ok());
  RecordingSink watcher;
  client.store.watch({1, 4}, watcher);
  client.settle();

  server.stop(SIGKILL);
  put_back(server);
  client.part();
  EXPECT_TRUE(client.until([&] { return watcher.closed.has_value(); }));
  EXPECT_EQ(watcher.closed, Code::unavailable) << "watch again";
  server.start();
  client.serve();
  ASSERT_TRUE(client.lost);
  EXPECT_EQ(client.lost->seen, (Revision{1, 4}));
  EXPECT_EQ(client.lost->found, (Revision{1, 1}));
  EXPECT_EQ(client.lost->resumed.epoch, 2u);
  EXPECT_GT(client.lost->resumed.value, 4u);
  EXPECT_EQ(client.get("y").code(), Code::not_found);
  EXPECT_TRUE(client.get("old").ok());
  const auto next = client.put_new("y", "2");
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->revision, (Revision{2, client.lost->resumed.value + 1}))
      << "no revision is used twice";
  RecordingSink late;
  client.store.watch({1, 4}, late);
  client.settle();
  EXPECT_EQ(late.closed, Code::compacted) << "list again";
}

// The same number of revisions, but other ones: only the chain of hashes can tell.
TEST_F(RedisLostHistory, IsNoticedWhenAnotherHistoryOfTheSameLengthHasTakenItsPlace) {
  RedisServer server({"--appendfsync", "always"});
  RedisClient client(server);
  client.serve();
  ASSERT_TRUE(client.put_new("old").ok());
  save(server);
  ASSERT_TRUE(client.put_new("mine").ok());
  server.stop(SIGKILL);
  client.part();
  put_back(server);
  server.start();
  {
    // By another server, which knew nothing of the lost part.
    RedisClient other(server, "other");
    other.serve();
    EXPECT_TRUE(other.put_new("theirs").ok());
  }
  client.serve();
  ASSERT_TRUE(client.lost);
  EXPECT_EQ(client.lost->found, client.lost->seen);
  EXPECT_EQ(client.get("mine").code(), Code::not_found);
  EXPECT_TRUE(client.get("theirs").ok());
}

// One server notices; those that had seen nothing of the lost part follow into the new epoch, with
// reads that do not hang and writes that do not land in the old one.
TEST_F(RedisLostHistory, OneServerNoticesAndAllGoOn) {
  RedisServer server({"--appendfsync", "always"});
  RedisClient ahead(server, "ahead"), behind(server, "behind");
  ahead.serve();
  behind.serve();
  ASSERT_TRUE(ahead.put_new("old").ok());
  ASSERT_TRUE(behind.get("old").ok());
  save(server);
  ASSERT_TRUE(ahead.put_new("lost").ok());
  server.stop(SIGKILL);
  ahead.part();  // while the other one has not seen more than the saved state
  put_back(server);
  server.start();
  behind.part();
  behind.serve();
  EXPECT_FALSE(behind.lost);
  ASSERT_TRUE(behind.put_new("fresh").ok());
  ahead.serve();
  ASSERT_TRUE(ahead.lost);
  const auto read = behind.get("fresh");
  EXPECT_TRUE(read.ok() || read.code() == Code::unavailable) << to_string(read.code());
  behind.serve();
  ASSERT_TRUE(behind.until([&] { return behind.put_new("more").ok() || behind.get("more").ok(); }));
  EXPECT_TRUE(ahead.get("more").ok());
  EXPECT_EQ((*ahead.get("more"))->revision().epoch, 2u);
  // The same again: an epoch is never used twice, though the saved state knows nothing of the
  // second.
  server.stop(SIGKILL);
  ahead.part();
  behind.part();
  put_back(server);
  server.start();
  ahead.serve();
  ASSERT_TRUE(ahead.put_new("third").ok());
  EXPECT_EQ((*ahead.get("third"))->revision().epoch, 3u);
}

// Writes under way when the history that would tell about them goes: they may have happened.
TEST_F(RedisLostHistory, LeavesWhatWasUnderWayUnknown) {
  RedisServer server({"--appendfsync", "always"});
  RedisClient client(server);
  client.serve();
  ASSERT_TRUE(client.put_new("old").ok());
  save(server);
  ASSERT_TRUE(client.put_new("x").ok());
  kill(server.pid(), SIGSTOP);
  std::optional<Code> outcome;
  client.store.commit(transaction({put(config("n", "y", "1", "u"))}),
                      [&](Result<Committed> result) { outcome = result.code(); });
  for (int i = 0; i < 5; ++i) client.loop.run_round(1ms);  // it is sent
  server.stop(SIGKILL);
  put_back(server);
  client.part();
  server.start();
  client.serve();
  ASSERT_TRUE(client.until([&] { return outcome.has_value(); }));
  EXPECT_TRUE(client.lost);
  EXPECT_EQ(*outcome, Code::unknown);
}

// STORE.md's run: acknowledged by the master, which is killed; a replica that was frozen takes
// over, and another server has written before this one is back.
TEST_F(RedisLostHistory, IsNoticedAfterAFailoverThatLostAcknowledgedWrites) {
  RedisServer master(RedisServerOptions{.tcp = true});
  RedisServer replica(RedisServerOptions{
      .arguments = {"--replicaof", "127.0.0.1 " + std::to_string(master.port())}, .tcp = true});
  RedisClient client(master);
  client.serve();
  for (int i = 0; i < 80; ++i) ASSERT_TRUE(client.put_new("kept" + std::to_string(i)).ok());
  ASSERT_TRUE(client.until([&] {
    return replica.cli({"HGET", "{keelson}:meta", "rev"}) == "80\n";
  }));
  kill(replica.pid(), SIGSTOP);
  int acknowledged = 0;
  const std::string large(40'000, 'x');  // more than what a connection keeps in the kernel
  for (int i = 0; i < 400; ++i) {
    acknowledged += client.put_new("lost" + std::to_string(i), large).ok();
  }
  EXPECT_EQ(acknowledged, 400);
  master.stop(SIGKILL);
  client.part();
  kill(replica.pid(), SIGCONT);
  replica.cli({"REPLICAOF", "NO", "ONE"});
  RedisClient other(replica, "other");
  other.serve();
  const uint64_t kept =
      other.await<Revision>([&](auto done) { other.store.current_revision(std::move(done)); })
          ->value;
  ASSERT_LT(kept, 480u) << "the replica was to lose something";
  for (uint64_t i = kept; i < 490; ++i)
    ASSERT_TRUE(other.put_new("other" + std::to_string(i)).ok());

  // The same store meets the new master: as a proxy or an address that moves makes it.
  std::filesystem::remove(master.socket());
  std::filesystem::create_symlink(replica.socket(), master.socket());
  client.serve();
  ASSERT_TRUE(client.lost);
  EXPECT_EQ(client.lost->seen, (Revision{1, 480}));
  EXPECT_EQ(client.lost->found, (Revision{1, 490}));
  EXPECT_TRUE(client.get("kept79").ok());
  EXPECT_TRUE(client.get("other489").ok());
  EXPECT_EQ(client.get("lost399").code(), Code::not_found);
  EXPECT_GT(client.put_new("next")->revision, client.lost->resumed);
}

}  // namespace
}  // namespace keelson::test
