// The Redis store does what any Store must do, against a redis-server that syncs every write.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/runtime/redis/redis_client.hpp"
#include "tests/store/conformance.hpp"
#include "tests/store/conformance_lists.hpp"
#include "tests/store/conformance_model.hpp"
#include "tests/store/conformance_transactions.hpp"

namespace keelson::store::conformance {
namespace {

using test::RedisClient;
using test::RedisServer;

class RedisHarness final : public StoreHarness {
 public:
  explicit RedisHarness(const char* sync) : server_({"--appendfsync", sync}), client_(server_) {
    client_.serve();
  }
  Store& store() override { return client_.store; }
  void settle() override { client_.settle(); }
  // Redis comes back with its file cut off behind the transaction that wrote `keep`.
  bool fail_over(Revision keep) override {
    server_.stop(SIGKILL);
    const auto file = server_.directory() / "appendonlydir/appendonly.aof.1.incr.aof";
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    const std::string end = "EXEC\r\n";
    const std::size_t entry = text.str().find("\r\n" + std::to_string(keep.value) + "-0\r\n");
    const std::size_t cut = text.str().find(end, entry);
    if (entry == std::string::npos || cut == std::string::npos) return false;
    std::filesystem::resize_file(file, cut + end.size());
    client_.part();
    server_.start();
    client_.serve();
    return true;
  }
  void set_reachable(bool reachable) override {
    if (reachable) {
      server_.start();
      client_.serve();
    } else {
      server_.stop(SIGKILL);
      client_.part();
    }
  }

 private:
  RedisServer server_;
  RedisClient client_;
};

// gtest cannot skip an instantiation: without a server there are no instances.
std::vector<MakeHarness> harnesses(const char* sync) {
  if (!RedisServer::installed()) return {};
  return {[sync] { return std::make_unique<RedisHarness>(sync); }};
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreConformance);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreModel);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreOutage);
INSTANTIATE_TEST_SUITE_P(Redis, StoreConformance, testing::ValuesIn(harnesses("always")));
INSTANTIATE_TEST_SUITE_P(Redis, StoreModel, testing::ValuesIn(harnesses("no")));  // 12,000 steps
INSTANTIATE_TEST_SUITE_P(Redis, StoreOutage, testing::ValuesIn(harnesses("always")));

}  // namespace
}  // namespace keelson::store::conformance
