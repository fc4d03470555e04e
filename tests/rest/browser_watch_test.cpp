// Watches as WebSockets.
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

class BrowserTest : public FrontTest {
 protected:
  class OpenPipe final : public rest::Pipe {
   public:
    void send(std::string data) override { sent.push_back(std::move(data)); }
    void close() override { closed = true; }
    bool blocked() const override { return is_blocked; }
    void pause_reading(bool) override {}
    std::vector<std::string> sent;
    bool closed = false, is_blocked = false;
  };
  std::shared_ptr<FakeExchange> watch(std::vector<rest::Header> more = {}) {
    std::vector<rest::Header> headers = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return open("GET", "/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0", {},
                headers);
  }
  OpenPipe pipe;
};

TEST_F(BrowserTest, WatchesThroughAWebSocket) {
  const auto exchange = watch({{"Sec-WebSocket-Protocol", "any, other"}});
  ASSERT_TRUE(exchange->upgraded);
  EXPECT_TRUE(exchange->upgraded->websocket);
  EXPECT_TRUE(exchange->upgraded->text);
  EXPECT_EQ(exchange->upgraded->protocol, "any");
  exchange->pipe_user->on_open(pipe);
  made(config_named("a"));
  made(config_named("b"));
  loop.settle();
  ASSERT_GE(pipe.sent.size(), 2u);
  const auto event = boost::json::parse(pipe.sent.back());
  EXPECT_EQ(event.at("type"), "ADDED");
  EXPECT_EQ(event.at("object").at("metadata").at("name"), "b");
  exchange->pipe_user->on_closed();
  const std::size_t before = pipe.sent.size();
  made(config_named("c"));
  loop.settle();
  EXPECT_EQ(pipe.sent.size(), before);
  EXPECT_EQ(server->watches(), 0u);
}

TEST_F(BrowserTest, SlowOnesGetTheRestLater) {
  const auto exchange = watch();
  exchange->pipe_user->on_open(pipe);
  loop.settle();
  const std::size_t first = pipe.sent.size();
  pipe.is_blocked = true;
  made(config_named("a"));
  made(config_named("b"));
  loop.settle();
  EXPECT_LT(pipe.sent.size(), first + 2);
  pipe.is_blocked = false;
  exchange->pipe_user->on_writable();
  loop.settle();
  EXPECT_EQ(pipe.sent.size(), first + 2);
}

TEST_F(BrowserTest, TheServerEndsIt) {
  const auto exchange = watch();
  exchange->pipe_user->on_open(pipe);
  renew_front();
  EXPECT_TRUE(pipe.closed);
  exchange->pipe_user->on_closed();
}

TEST_F(BrowserTest, ATokenIsNeverChosenAsProtocol) {
  const auto exchange =
      watch({{"Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.dG9rZW4, plain"}});
  ASSERT_TRUE(exchange->upgraded);
  EXPECT_EQ(exchange->upgraded->protocol, "plain");
}

}  // namespace
}  // namespace keelson::test
