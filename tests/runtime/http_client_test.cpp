// The command line's client against our server, and against servers that misbehave.
#include "runtime/http/client.hpp"

#include "runtime/http/dial.hpp"
#include "runtime/http/listener.hpp"
#include "tests/runtime/http_fixture.hpp"

namespace keelson::http::test {
namespace {

ClientOptions to(uint16_t port) {
  ClientOptions options;
  options.server = "http://127.0.0.1:" + std::to_string(port);
  return options;
}

// Accepts connections one after the other, reads a head, and says what it is told.
class Scripted {
 public:
  explicit Scripted(std::vector<std::string> answers) {
    listener_ = listen_on("127.0.0.1", 0).value();
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) serve(answer);
    });
  }
  ~Scripted() {
    thread_.join();
    ::close(listener_.fd);
  }
  uint16_t port() const { return listener_.port; }

 private:
  void serve(const std::string& answer) {
    pollfd waiting{listener_.fd, POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) return;
    const int fd = accept_one(listener_.fd).fd;
    std::string got;
    while (got.find("\r\n\r\n") == std::string::npos) {
      pollfd readable{fd, POLLIN, 0};
      char buffer[4096];
      if (::poll(&readable, 1, 10'000) <= 0) break;
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) break;
      got.append(buffer, static_cast<std::size_t>(size));
    }
    ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
    ::close(fd);
  }
  Listener listener_;
  std::thread thread_;
};

TEST(HttpClient, SendsBodiesAndHeadersAndReadsTheAnswer) {
  TestServer server;
  server.handler.on("/p/show", [](rest::HttpRequest request, rest::ExchangePtr exchange) {
    exchange->respond({201,
                       {{"X-Agent", std::string(request.header("user-agent"))},
                        {"X-Auth", std::string(request.header("authorization"))}},
                       request.method + " " + std::string(request.header("x-a")) + request.body});
  });
  ClientOptions options = to(server.port());
  options.server += "/p/";
  options.bearer_token = "secret";
  Client client(options);
  const auto answer = client.send(
      {.method = "PATCH", .target = "/show", .headers = {{"X-A", "1"}}, .body = "body"});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "PATCH 1body");
  EXPECT_EQ(answer->header("x-agent"), "keelson");
  EXPECT_EQ(answer->header("X-Auth"), "") << "a token must not travel in clear";
  EXPECT_EQ(client.send({.method = "HEAD", .target = "/show"})->status, 201);
  EXPECT_EQ(client.send({.target = "/none"})->status, 404);
  EXPECT_EQ(server->stats().accepted, 1u);
}

TEST(HttpClient, StreamsUntilTheEndOrUntilItIsStopped) {
  TestServer server;
  server.handler.on("/log", [](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->begin(200, {{"Content-Type", "text/plain"}});
    for (int i = 0; i < 3; ++i) exchange->write({std::make_shared<const std::string>("line\n")});
    exchange->finish();
  });
  Client client(to(server.port()));
  std::string text;
  std::string type;
  const auto on_head = [&](const Response& head) {
    type = head.header("content-type");
    return true;
  };
  const auto status = client.stream({.target = "/log"}, on_head, [&](std::string_view data) {
    text += data;
    return true;
  });
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(*status, 200);
  EXPECT_EQ(type, "text/plain");
  EXPECT_EQ(text, "line\nline\nline\n");
  EXPECT_EQ(client.stream({.target = "/log"}, nullptr, [](std::string_view) { return false; }).code(),
            Code::cancelled);
  EXPECT_EQ(client.send({.target = "/echo"})->body, "hello");
}

TEST(HttpClient, ComesBackAfterTheServerHasClosedAnIdleConnection) {
  ServerOptions options;
  options.limits.idle = std::chrono::milliseconds(20);
  TestServer server(options);
  Client client(to(server.port()));
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(client.send({.method = "POST", .target = "/echo", .body = "x"}).ok());
    ASSERT_TRUE(eventually([&] { return server->stats().idle_closed == static_cast<uint64_t>(i); }));
  }
}

TEST(HttpClient, SaysWhenTheServerIsSilent) {
  TestServer server;
  rest::ExchangePtr kept;
  server.handler.on("/slow", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    kept = std::move(exchange);
  });
  Client client(to(server.port()));
  const auto answer = client.send({.target = "/slow", .timeout = std::chrono::milliseconds(20)});
  EXPECT_EQ(answer.code(), Code::unknown);
  server.on_core([&] { kept.reset(); });
}

TEST(HttpClient, TellsRefusedConnectionsFromLostAnswers) {
  uint16_t port = 0;
  {
    const Listener closed = listen_on("127.0.0.1", 0).value();
    port = closed.port;
    ::close(closed.fd);
  }
  const auto refused = Client(to(port)).send({});
  EXPECT_EQ(refused.code(), Code::unavailable);
  EXPECT_NE(refused.error().message.find(std::to_string(port)), std::string::npos);
  for (const std::string bad :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    Scripted server({bad});
    EXPECT_EQ(Client(to(server.port())).send({}).code(), Code::unknown) << bad;
  }
}

TEST(HttpClient, ReadsABodyThatEndsWithTheConnectionAndSkipsInterimAnswers) {
  Scripted server({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nall of it"});
  const auto answer = Client(to(server.port())).send({});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "all of it");
}

TEST(HttpClient, AWebSocketThatIsRefusedBringsTheAnswer) {
  TestServer server;
  auto answer = Client(to(server.port())).websocket({.target = "/nothing"}, {"v5.channel.k8s.io"});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->socket, nullptr);
  EXPECT_EQ(answer->refusal.status, 404);
  EXPECT_EQ(answer->refusal.body, "not here");
  Scripted wrong({"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: no\r\n\r\n"});
  EXPECT_EQ(Client(to(wrong.port())).websocket({}, {}).code(), Code::unknown);
}

TEST(HttpClient, RefusesWhatWouldBreakTheRequest) {
  TestServer server;
  Client client(to(server.port()));
  EXPECT_EQ(client.send({.target = "/a b"}).code(), Code::invalid);
  EXPECT_EQ(client.send({.headers = {{"X", "a\r\nY: b"}}}).code(), Code::invalid);
  EXPECT_EQ(client.send({.method = "GET /"}).code(), Code::invalid);
}

TEST(ServerUrl, IsTakenApart) {
  const auto url = parse_server_url("https://[::1]:6443/k8s/c1/");
  ASSERT_TRUE(url.ok());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, "6443");
  EXPECT_EQ(url->prefix, "/k8s/c1");
  EXPECT_EQ(url->authority, "[::1]:6443");
  EXPECT_EQ(parse_server_url("http://api")->port, "80");
  EXPECT_EQ(parse_server_url("https://api")->port, "443");
  for (const char* bad : {"", "api:6443", "ftp://x", "https://", "https://x:port", "https://[::1",
                          "https://x y", "https://x:123456", "https://[::1]x"}) {
    EXPECT_EQ(parse_server_url(bad).code(), Code::invalid) << bad;
  }
}

}  // namespace
}  // namespace keelson::http::test
