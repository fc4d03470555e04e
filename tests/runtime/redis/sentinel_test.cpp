// A master, its replicas and their Sentinels: nothing is shown to anyone before a replica has it,
// so a failover loses nothing of it.
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <set>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using store::conformance::config;
using store::conformance::put_new;
using store::conformance::transaction;

class RedisSentinel : public RedisTest {
 protected:
  static std::unique_ptr<RedisServer> server(std::vector<std::string> arguments = {}) {
    return std::make_unique<RedisServer>(
        RedisServerOptions{.arguments = std::move(arguments), .tcp = true});
  }
  static std::unique_ptr<RedisServer> replica_of(const RedisServer& master) {
    return server({"--replicaof", "127.0.0.1 " + std::to_string(master.port()),
                   "--repl-diskless-sync-delay", "0"});
  }
  static void with_replica(RedisStoreOptions& options) { options.replicas = 1; }
};

TEST_F(RedisSentinel, NothingIsShownBeforeAReplicaHasIt) {
  const auto master = server({"--repl-diskless-sync-delay", "0"});
  const auto replica = replica_of(*master);
  RedisClient client(*master, "a", with_replica), other(*master, "b", with_replica);
  client.serve();
  other.serve();
  ASSERT_TRUE(client.put_new("x").ok());
  kill(replica->pid(), SIGSTOP);
  std::optional<Code> outcome;
  client.store.commit(transaction({put_new(config("n", "y", "1", "u"))}),
                      [&](Result<Committed> result) { outcome = result.code(); });
  client.part();  // since no replica keeps up
  EXPECT_NE(client.store.trouble().find("replicas keep up"), std::string::npos)
      << client.store.trouble();
  EXPECT_NE(other.get("y").code(), Code::ok) << "a read would show what may be lost";
  EXPECT_NE(outcome, Code::ok);
  kill(replica->pid(), SIGCONT);
  client.serve();
  ASSERT_TRUE(client.until([&] { return outcome.has_value(); }));
  EXPECT_EQ(*outcome, Code::ok) << "it happened, and is safe now";
  EXPECT_TRUE(client.get("y").ok());
}

TEST_F(RedisSentinel, AFailoverLosesNothingThatWasAcknowledged) {
  const auto master = server({"--repl-diskless-sync-delay", "0"});
  // Two replicas, or there would be nobody to confirm afterwards.
  const auto one = replica_of(*master), two = replica_of(*master);
  for (int i = 0; i < 1000 && master->cli({"INFO", "replication"}).find("connected_slaves:2") ==
                                  std::string::npos;
       ++i) {
    usleep(10'000);
  }
  std::vector<std::unique_ptr<RedisServer>> sentinels;
  std::vector<redis::HostPort> addresses;
  for (int i = 0; i < 3; ++i) {
    sentinels.push_back(std::make_unique<RedisServer>(RedisServerOptions{
        .arguments = {"sentinel monitor keelson 127.0.0.1 " + std::to_string(master->port()) + " 2",
                      "sentinel down-after-milliseconds keelson 1000",
                      "sentinel failover-timeout keelson 5000"},
        .sentinel = true}));
    addresses.push_back({"127.0.0.1", sentinels.back()->port()});
  }
  const auto by_sentinel = [&](RedisStoreOptions& options) {
    options.address = {};
    options.address.sentinels = addresses;
    options.address.master = "keelson";
    options.replicas = 1;
  };
  RedisClient client(*master, "a", by_sentinel);
  client.serve();
  ASSERT_TRUE(client.until([&] {
    for (const auto& sentinel : sentinels) {
      if (sentinel->cli({"INFO", "sentinel"}).find("slaves=2,sentinels=3") == std::string::npos)
        return false;
    }
    return true;
  }));

  std::set<std::string> kept, never;
  int asked = 0, answered = 0;
  const auto write = [&] {
    const std::string name = "w" + std::to_string(asked++);
    client.store.commit(transaction({put_new(config("n", name, "1", name))}),
                        [&, name](Result<Committed> result) {
                          ++answered;
                          if (result.ok()) {
                            kept.insert(name);
                          } else if (result.code() == Code::unavailable) {
                            never.insert(name);
                          }
                        });
  };
  ASSERT_TRUE(client.until([&] {
    if (asked - answered < 64) write();
    return kept.size() > 200;
  }));
  master->stop(SIGKILL);
  client.part();
  ASSERT_TRUE(client.until([&] { return client.store.serving(); }, 40s)) << client.store.trouble();
  ASSERT_TRUE(client.until([&] { return answered == asked; }));
  ASSERT_TRUE(client.put_new("after").ok());
  EXPECT_FALSE(client.lost);
  for (const std::string& name : kept)
    EXPECT_TRUE(client.get(name).ok()) << name << " was acknowledged and is gone";
  for (const std::string& name : never) EXPECT_EQ(client.get(name).code(), Code::not_found) << name;
}

}  // namespace
}  // namespace keelson::test
