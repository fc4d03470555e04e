#include "runtime/redis/managed.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/runtime/redis/redis_client.hpp"

namespace keelson::test {
namespace {

using redis::managed_config;
using redis::ManagedOptions;

uint16_t some_free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
  close(fd);
  return ntohs(at.sin_port);
}

class RedisManaged : public RedisTest {
 protected:
  static RedisServerOptions options(ManagedOptions::Profile profile) {
    RedisServerOptions made;
    made.config = [profile](const std::string& directory, const std::string& socket) {
      return *managed_config(
          {.directory = directory, .socket = socket, .profile = profile, .memory_max = 1 << 30});
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

TEST_F(RedisManaged, ServesOtherHostsByAPassword) {
  ManagedOptions shared{.bind_address = "127.0.0.1", .port = 1, .user = "keelson"};
  // Of "open sesame".
  shared.password_sha256 = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
  RedisServerOptions made;
  made.config = [&](const std::string& directory, const std::string& socket) {
    shared.directory = directory;
    shared.socket = socket;
    shared.port = some_free_port();
    return *managed_config(shared);
  };
  RedisServer server(made);
  const auto by_tcp = [&](const std::string& user, const std::string& password) {
    return [&, user, password](RedisStoreOptions& options) {
      options.address.socket.clear();
      options.address.tcp = {"127.0.0.1", shared.port};
      options.address.user = user;
      options.address.password = password;
    };
  };
  RedisClient client(server, "a", by_tcp("keelson", "open sesame"));
  client.serve();
  EXPECT_TRUE(client.put_new("x").ok());
  for (const auto& [user, password] : {std::pair("keelson", "guess"), std::pair("", ""),
                                       std::pair("default", "")}) {
    RedisClient stranger(server, "b", by_tcp(user, password));
    EXPECT_FALSE(stranger.until([&] { return stranger.store.serving(); }, 500ms)) << user;
  }
  // The socket asks for it, too.
  RedisClient local(server, "c");
  EXPECT_FALSE(local.until([&] { return local.store.serving(); }, 500ms));
}

TEST_F(RedisManaged, RefusesWhatIsNoWayIn) {
  const ManagedOptions good{.directory = "/var", .socket = "/run/s", .bind_address = "10.0.0.1",
                            .port = 6379, .user = "keelson", .password_sha256 = std::string(64, 'a')};
  ASSERT_TRUE(managed_config(good).ok());
  const auto refused = [&](auto change) {
    ManagedOptions options = good;
    change(options);
    EXPECT_EQ(managed_config(options).code(), Code::invalid);
  };
  refused([](ManagedOptions& o) { o.bind_address.clear(); });
  refused([](ManagedOptions& o) { o.bind_address = "10.0.0.1\nsave 1 1"; });
  refused([](ManagedOptions& o) { o.user = "a b"; });
  refused([](ManagedOptions& o) { o.user.clear(); });
  refused([](ManagedOptions& o) { o.password_sha256 = "secret"; });
}

TEST_F(RedisManaged, RefusesPathsThatRedisWouldReadOtherwise) {
  EXPECT_TRUE(managed_config({.directory = "/var/lib/a \"b\"\\c", .socket = "/run/s"}).ok());
  for (const auto& [directory, socket] : {std::pair<std::string, std::string>{"relative", "/run/s"},
                                          {"/var", "relative"},
                                          {"/var\nport 6379", "/run/s"},
                                          {"", "/run/s"},
                                          {"/var", "/" + std::string(107, 'x')}}) {
    EXPECT_EQ(managed_config({.directory = directory, .socket = socket}).code(), Code::invalid)
        << directory << ' ' << socket;
  }
}

}  // namespace
}  // namespace keelson::test
