// Upgraded connections: WebSocket and raw bytes, with back-pressure in both directions.
#include <fcntl.h>

#include "runtime/http/client.hpp"
#include "runtime/http/websocket.hpp"
#include "tests/runtime/http_fixture.hpp"

namespace keelson::http::test {
namespace {

// Records what happens to a pipe; sends back what comes, if told so.
struct EchoUser final : rest::PipeUser {
  void on_open(rest::Pipe& opened) override { pipe = &opened; }
  void on_data(std::string_view data) override {
    received += data.size();
    if (data == "close") return pipe->close();
    if (echo) pipe->send("echo " + std::string(data));
  }
  void on_writable() override { ++writable; }
  void on_closed() override {
    pipe = nullptr;
    ++closed;
  }
  rest::Pipe* pipe = nullptr;  // core thread
  bool echo = true;
  std::atomic<std::size_t> received{0};
  std::atomic<int> writable{0}, closed{0};
};

class HttpPipe : public ::testing::Test {
 protected:
  HttpPipe() : user_(std::make_shared<EchoUser>()) {}
  void serve(ServerOptions options = {}) {
    server_ = std::make_unique<TestServer>(options);
    const auto upgrade = [user = user_](rest::Upgrade upgrade) {
      return [user, upgrade](rest::HttpRequest, rest::ExchangePtr exchange) {
        exchange->upgrade(upgrade, user);
      };
    };
    server_->handler.on("/ws", upgrade({true, "v5.channel.k8s.io", {}}));
    server_->handler.on("/raw", upgrade({false, "SPDY/3.1", {{"X-Stream-Protocol-Version", "v4"}}}));
  }
  Client client() const {
    ClientOptions options;
    options.server = "http://127.0.0.1:" + std::to_string(server_->port());
    return Client(options);
  }
  std::unique_ptr<WebSocket> open() {
    auto answer = client().websocket({.target = "/ws"}, {"v5.channel.k8s.io"});
    EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().message);
    EXPECT_TRUE(answer.ok() && answer->socket);
    return answer.ok() ? std::move(answer->socket) : nullptr;
  }

  std::shared_ptr<EchoUser> user_;
  std::unique_ptr<TestServer> server_;
};

constexpr char kUpgradeRaw[] =
    "POST /raw HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n";
constexpr char kUpgradeWs[] =
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

TEST_F(HttpPipe, EchoesWebSocketMessages) {
  serve();
  auto socket = open();
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->protocol(), "v5.channel.k8s.io");
  for (const std::size_t size : {1u, 125u, 126u, 65535u, 65536u, 1000000u}) {
    const std::string message(size, 'm');
    ASSERT_TRUE(socket->send(message).ok());
    const auto answer = socket->receive(std::chrono::seconds(10));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(**answer, "echo " + message);
  }
  EXPECT_EQ((*server_)->stats().streams, 1u);
  ASSERT_TRUE(socket->send("close").ok());
  const auto end = socket->receive(std::chrono::seconds(10));
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_FALSE(end->has_value());
  EXPECT_TRUE(eventually([&] { return user_->closed == 1 && (*server_)->stats().streams == 0; }));
}

TEST_F(HttpPipe, TheClientClosesAWebSocket) {
  serve();
  auto socket = open();
  ASSERT_TRUE(socket->close().ok());
  const auto end = socket->receive(std::chrono::seconds(10));
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_FALSE(end->has_value());
  EXPECT_TRUE(eventually([&] { return user_->closed == 1; }));
}

TEST_F(HttpPipe, AnswersPingsAndTheHandshakeOfTheRfc) {
  serve();
  RawSocket socket(server_->port());
  Rng mask(1);
  // The first frames may come before the answer to the upgrade.
  socket.send(kUpgradeWs + websocket_frame(WsOp::ping, "are you there", &mask));
  const std::string head = socket.read_until("are you there");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
  EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\x8a\x0d" "are you there"));
}

TEST_F(HttpPipe, PutsFragmentsTogetherAndRefusesWhatIsWrong) {
  serve();
  {
    RawSocket socket(server_->port());
    Rng mask(1);
    std::string first = websocket_frame(WsOp::binary, "frag", &mask);
    std::string second = websocket_frame(WsOp::more, "ment", &mask);
    first[0] = static_cast<char>(first[0] & 0x7f);
    socket.send(kUpgradeWs + first + websocket_frame(WsOp::ping, "", &mask) + second);
    EXPECT_NE(socket.read_until("echo fragment").find("echo fragment"), std::string::npos);
  }
  for (const std::string& wrong :
       {std::string("\x82\x01x", 3),                       // not masked
        std::string("\xf2\x81\0\0\0\0x", 7),               // reserved bits
        std::string("\x80\x81\0\0\0\0x", 7),               // goes on with nothing
        std::string("\x09\x80\0\0\0\0", 6),                // fragmented ping
        std::string("\x82\xff\x7f\0\0\0\0\0\0\0\0\0\0\0", 14)}) {  // far too long
    RawSocket socket(server_->port());
    socket.send(kUpgradeWs + wrong);
    const std::string all = socket.read_all();
    const auto close = all.rfind("\x88\x02\x03");
    EXPECT_NE(close, std::string::npos);
    EXPECT_TRUE(socket.ended());
  }
}

TEST_F(HttpPipe, PipesRawBytes) {
  serve();
  RawSocket socket(server_->port());
  socket.send(std::string(kUpgradeRaw) + "early");
  const std::string head = socket.read_until("echo early");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101")) << head;
  EXPECT_NE(head.find("Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-Stream-Protocol-Version: v4\r\n"), std::string::npos);
  socket.send("close");
  socket.read_all();
  EXPECT_TRUE(socket.ended());
  EXPECT_TRUE(eventually([&] { return user_->closed == 1; }));
}

TEST_F(HttpPipe, ARequestThatIsNoUpgradeIsRefused) {
  serve();
  for (const char* path : {"/ws", "/raw"}) {
    RawSocket socket(server_->port());
    socket.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(socket.read_all().find("HTTP/1.1 400"), std::string::npos);
  }
  EXPECT_TRUE(eventually([&] { return user_->closed == 2; }));
  EXPECT_EQ(user_->pipe, nullptr);
}

TEST_F(HttpPipe, ABrokenConnectionClosesThePipeOnce) {
  serve();
  {
    RawSocket socket(server_->port());
    socket.send(kUpgradeRaw);
    socket.read_until("\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return user_->closed == 1; }));
}

TEST_F(HttpPipe, AWriterIsBlockedUntilTheClientReads) {
  serve();
  RawSocket socket(server_->port(), 4096);
  socket.send(kUpgradeRaw);
  socket.read_until("\r\n\r\n");
  ASSERT_TRUE(eventually([&] {
    bool open = false;
    server_->on_core([&] { open = user_->pipe != nullptr; });
    return open;
  }));
  std::size_t sent = 0;
  bool blocked = false;
  ASSERT_TRUE(eventually([&] {
    server_->on_core([&] {
      while (!user_->pipe->blocked() && sent < 64u << 20) {
        user_->pipe->send(std::string(65536, 'x'));
        sent += 65536;
      }
      blocked = user_->pipe->blocked();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    server_->on_core([&] { blocked = blocked && user_->pipe->blocked(); });
    return blocked;
  }));
  const int before = user_->writable;
  server_->on_core([&] { user_->pipe->close(); });
  const std::string all = socket.read_all();
  EXPECT_GE(all.size(), sent);
  EXPECT_TRUE(eventually([&] { return user_->writable > before || user_->closed == 1; }));
}

TEST_F(HttpPipe, AReaderThatPausesStopsTheClient) {
  ServerOptions options;
  serve(options);
  user_->echo = false;
  RawSocket socket(server_->port());
  socket.send(kUpgradeRaw);
  socket.read_until("\r\n\r\n");
  ASSERT_TRUE(eventually([&] {
    bool open = false;
    server_->on_core([&] {
      open = user_->pipe != nullptr;
      if (open) user_->pipe->pause_reading(true);
    });
    return open;
  }));
  // More than the kernel's buffers hold; a thread of its own is stuck with it.
  constexpr std::size_t kBytes = 32u << 20;
  std::atomic<bool> sent{false};
  std::thread sender([&] { sent = socket.send(std::string(kBytes, 'y')); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(sent);
  EXPECT_LT(user_->received, kBytes);
  server_->on_core([&] { user_->pipe->pause_reading(false); });
  EXPECT_TRUE(eventually([&] { return user_->received == kBytes; }));
  sender.join();
  EXPECT_TRUE(sent);
}

}  // namespace
}  // namespace keelson::http::test
