#include "runtime/redis/managed.hpp"

#include <signal.h>
#include <sys/stat.h>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using redis::managed_config;
using redis::ManagedOptions;

class RedisManaged : public RedisTest {
 protected:
  static RedisServerOptions options(ManagedOptions::Profile profile) {
    RedisServerOptions made;
    made.config = [profile](const std::string& directory, const std::string& socket) {
      return *managed_config({directory, socket, profile, 1 << 30});
    };
    return made;
  }
};

TEST_F(RedisManaged, ServesAStoreThatOutlivesIt) {
  RedisServer server(options(ManagedOptions::Profile::durable));
  RedisClient client(server);
  client.serve();
  EXPECT_TRUE(client.put_new("x").ok());
  const auto setting = [&](const char* name) { return server.cli({"CONFIG", "GET", name}); };
  EXPECT_EQ(setting("appendfsync"), "appendfsync\nalways\n");
  EXPECT_EQ(setting("maxmemory-policy"), "maxmemory-policy\nnoeviction\n");
  EXPECT_EQ(setting("maxmemory"), "maxmemory\n1073741824\n");
  EXPECT_EQ(setting("port"), "port\n0\n");
  struct stat file {};
  ASSERT_EQ(stat(server.socket().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  server.stop(SIGTERM);
  client.part();
  server.start();
  client.serve();
  EXPECT_TRUE(client.get("x").ok());
  EXPECT_FALSE(client.lost);
}

TEST_F(RedisManaged, SyncsEverySecondForDevelopment) {
  RedisServer server(options(ManagedOptions::Profile::dev));
  EXPECT_EQ(server.cli({"CONFIG", "GET", "appendfsync"}), "appendfsync\neverysec\n");
}

TEST_F(RedisManaged, RefusesPathsThatRedisWouldReadOtherwise) {
  EXPECT_TRUE(managed_config({"/var/lib/a \"b\"\\c", "/run/s", {}, 0}).ok());
  for (const auto& [directory, socket] : {std::pair<std::string, std::string>{"relative", "/run/s"},
                                          {"/var", "relative"},
                                          {"/var\nport 6379", "/run/s"},
                                          {"", "/run/s"},
                                          {"/var", "/" + std::string(107, 'x')}}) {
    EXPECT_EQ(managed_config({directory, socket, {}, 0}).code(), Code::invalid)
        << directory << ' ' << socket;
  }
}

}  // namespace
}  // namespace keelson::test
