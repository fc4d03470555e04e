// A RedisStore on a loop that the test drives by hand, and what a test asks of it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "runtime/redis/redis_store.hpp"
#include "tests/runtime/redis/redis_server.hpp"
#include "tests/store/conformance.hpp"
#include "tests/support/missing_tool.hpp"

namespace keelson::test {

using redis::HistoryLost;
using redis::RedisStore;
using redis::RedisStoreOptions;
using store::Committed;
using store::ObjectKey;
using store::ObjectPtr;
using store::Transaction;

struct RedisClient {
  using Adjust = std::function<void(RedisStoreOptions&)>;
  explicit RedisClient(const RedisServer& server, const std::string& name = "a",
                       const Adjust& adjust = {})
      : store(loop, log, options(server, name, adjust), Rng(1).fork(name).next()) {
    store.on_history_lost([this](const HistoryLost& told) { lost = told; });
  }
  static RedisStoreOptions options(const RedisServer& server, const std::string& name,
                                   const Adjust& adjust) {
    RedisStoreOptions made;
    made.address.socket = server.socket();
    made.client = name;
    made.patience = 3s;
    made.retry_max = 200ms;
    if (adjust) adjust(made);
    return made;
  }

  // False: it did not happen in time.
  template <class Condition>
  bool until(Condition condition, Duration at_most = 20s) {
    const Instant limit = loop.now() + at_most;
    while (!condition()) {
      loop.run_round(5ms);
      if (loop.now() > limit) return false;
    }
    return true;
  }
  // Everything that was asked is answered, and what happened elsewhere has arrived.
  void settle() {
    bool answered = false;
    store.current_revision([&](Result<store::Revision>) { answered = true; });
    EXPECT_TRUE(until([&] { return answered && store.idle(); }));
    for (int quiet = 0; quiet < 3;) quiet = loop.run_round(0ms) ? 0 : quiet + 1;
  }
  void serve() {
    EXPECT_TRUE(until([&] { return store.serving(); })) << store.trouble();
  }
  void part() {
    EXPECT_TRUE(until([&] { return !store.serving(); }));
  }

  template <class T, class Start>
  Result<T> await(Start&& start) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    start([result](Result<T> answer) { result->emplace(std::move(answer)); });
    if (!until([&] { return result->has_value(); })) return {Code::cancelled, "no answer at all"};
    return std::move(**result);
  }
  Result<Committed> commit(Transaction t) {
    return await<Committed>([&](auto done) { store.commit(std::move(t), std::move(done)); });
  }
  Result<Committed> put_new(const std::string& name, const std::string& value = "1") {
    using namespace store::conformance;
    return commit(
        transaction({store::conformance::put_new(config("n", name, value, "uid-" + name))}));
  }
  Result<ObjectPtr> get(const ObjectKey& key) {
    return await<ObjectPtr>([&](auto done) { store.get(key, std::move(done)); });
  }
  Result<ObjectPtr> get(const std::string& name) {
    return get(store::conformance::key_of("n", name));
  }

  runtime::AsioLoop loop;
  NullLog log;
  RedisStore store;
  std::optional<HistoryLost> lost;
};

class RedisTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) KEELSON_TOOL_IS_MISSING("redis-server is not installed");
  }
};

}  // namespace keelson::test
