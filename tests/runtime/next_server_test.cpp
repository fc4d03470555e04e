// A client of several servers when the one that it talks to is lost without a word.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "runtime/http/async_client.hpp"

namespace keelson::http {
namespace {

using namespace std::chrono_literals;

// Answers by hand.
class HandServer {
 public:
  HandServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
  }
  ~HandServer() {
    stop_listening();
    for (const int fd : connections_) ::close(fd);
  }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return "http://" + authority(); }
  void stop_listening() {
    if (listener_ >= 0) ::close(listener_);
    listener_ = -1;
  }
  // True: somebody has come, and got this.
  bool serve(const std::string& answer) {
    const int fd = listener_ < 0 ? -1 : ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return false;
    connections_.push_back(fd);
    return ::write(fd, answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
  }

 private:
  int listener_ = -1;
  uint16_t port_ = 0;
  std::vector<int> connections_;
};

struct Stream final : AnswerUser {
  void on_head(const Response& head) override { status = head.status; }
  void on_data(std::string_view) override {}
  void on_end(Status how) override { end = how; }
  int status = 0;
  std::optional<Status> end;
};

constexpr const char* kEndless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr const char* kShort = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class NextServerTest : public ::testing::Test {
 protected:
  void use(const std::vector<std::string>& servers) {
    auto made = AsyncClient::create(
        loop, {.servers = servers, .silence_max = 200ms, .probe_patience = 100ms});
    ASSERT_TRUE(made.ok());
    client = std::move(*made);
  }
  void until(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return;
      loop.run_round(10ms);
    }
    FAIL() << "not within ten seconds";
  }
  // A stream from the first server, which then takes no new connections but closes none either.
  std::unique_ptr<AsyncCall> streaming(Stream& stream) {
    auto call = client->start({.target = "/watch"}, stream);
    until([&] { return first.serve(kEndless); });
    until([&] { return stream.status == 200; });
    first.stop_listening();
    return call;
  }

  runtime::AsioLoop loop;
  HandServer first, second;
  std::unique_ptr<AsyncClient> client;
};

TEST_F(NextServerTest, WhatWaitsForALostServerEnds) {
  use({first.url(), second.url()});
  Stream stream;
  const auto call = streaming(stream);
  std::optional<Result<Response>> answer;
  client->send({.target = "/healthz"}, [&](Result<Response> r) { answer = std::move(r); });
  until([&] { return second.serve(kShort); });
  until([&] { return answer.has_value(); });
  ASSERT_TRUE(answer->ok()) << answer->error().message;
  until([&] { return stream.end.has_value(); });
  EXPECT_EQ(stream.end->code(), Code::unknown);
}

// Nobody asks for anything new.
TEST_F(NextServerTest, AStreamThatIsSilentIsGivenUpIfItsServerIs) {
  use({first.url(), second.url()});
  Stream stream;
  const auto call = streaming(stream);
  until([&] { return stream.end.has_value(); });
  EXPECT_EQ(stream.end->code(), Code::unknown);
}

// As a process that is stopped: the kernel still takes its connections.
TEST_F(NextServerTest, AServerThatOnlyTakesConnectionsIsSilentToo) {
  use({first.url(), second.url()});
  Stream stream;
  const auto call = client->start({.target = "/watch"}, stream);
  until([&] { return first.serve(kEndless); });
  until([&] { return stream.end.has_value(); });
  EXPECT_EQ(stream.end->code(), Code::unknown);
}

TEST_F(NextServerTest, AStreamMayBeSilentWhileItsServerLives) {
  use({first.url(), second.url()});
  Stream stream;
  const auto call = client->start({.target = "/watch"}, stream);
  until([&] { return first.serve(kEndless); });
  for (int probes = 0; probes < 3;) {
    if (first.serve(kShort)) ++probes;
    loop.run_round(5ms);
  }
  EXPECT_FALSE(stream.end.has_value());
}

TEST_F(NextServerTest, AClientMayGoWhileItAsks) {
  use({first.url(), second.url()});
  Stream stream;
  auto call = client->start({.target = "/watch"}, stream);
  until([&] { return first.serve(kEndless); });
  const auto asked = loop.now() + 250ms;
  until([&] { return loop.now() > asked; });
  call = nullptr;
  client = nullptr;
  for (int i = 0; i < 20; ++i) loop.run_round(10ms);
  EXPECT_FALSE(stream.end.has_value());
}

TEST_F(NextServerTest, AServerThatCannotServeIsFollowedByTheNext) {
  use({first.url(), second.url()});
  const auto ask = [&] {
    auto answer = std::make_shared<std::optional<Result<Response>>>();
    client->send({.target = "/api"}, [answer](Result<Response> r) { *answer = std::move(r); });
    return answer;
  };
  auto answer = ask();
  until([&] {
    return first.serve("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  });
  until([&] { return answer->has_value(); });
  EXPECT_EQ((*answer)->value().status, 503);
  answer = ask();
  until([&] { return second.serve(kShort); });
  until([&] { return answer->has_value(); });
  EXPECT_EQ((*answer)->value().status, 200);
}

TEST_F(NextServerTest, TheOnlyServerIsWaitedFor) {
  use({first.url()});
  Stream stream;
  const auto call = streaming(stream);
  std::optional<Result<Response>> answer;
  client->send({.target = "/healthz"}, [&](Result<Response> r) { answer = std::move(r); });
  until([&] { return answer.has_value(); });
  EXPECT_EQ(answer->code(), Code::unavailable);
  loop.run_round(10ms);
  EXPECT_FALSE(stream.end.has_value());
}

}  // namespace
}  // namespace keelson::http
