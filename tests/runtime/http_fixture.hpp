// A server on a free port with a core thread of its own, an echo-like handler, and a raw socket to speak
// to it with.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/log.hpp"
#include "runtime/http/server.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::http::test {

// A plain client that sends what it is told, right or wrong.
class RawSocket {
 public:
  explicit RawSocket(uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawSocket() { close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void end_output() { ::shutdown(fd_, SHUT_WR); }
  bool send(std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Reads until `enough` holds, the end, or ten seconds of silence.
  std::string read_until(const std::function<bool(const std::string&)>& enough) {
    while (!enough(got_)) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, 10'000) <= 0) break;
      char buffer[65536];
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) {
        ended_ = true;
        break;
      }
      got_.append(buffer, static_cast<std::size_t>(got));
    }
    return got_;
  }
  std::string read_until(const std::string& text) {
    return read_until([&](const std::string& got) { return got.find(text) != std::string::npos; });
  }
  std::string read_all() {
    return read_until([](const std::string&) { return false; });
  }
  bool ended() const { return ended_; }
  void forget() { got_.clear(); }

 private:
  int fd_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  std::string got_;
};

// Waits for something that another thread brings about.
inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Answers by path; tests add their own. Everything runs on the core thread.
class TestHandler final : public rest::Handler {
 public:
  using Answer = std::function<void(rest::HttpRequest, rest::ExchangePtr)>;

  TestHandler() {
    on("/echo", [](rest::HttpRequest request, rest::ExchangePtr exchange) {
      exchange->respond({200,
                         {{"Content-Type", "text/plain"}, {"X-Method", request.method}},
                         request.body.empty() ? "hello" : request.body});
    });
  }
  void on(const std::string& path, Answer answer) { answers_[path] = std::move(answer); }

  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override {
    const std::string path = request.target.substr(0, request.target.find('?'));
    const auto found = answers_.find(path);
    if (found == answers_.end()) return exchange->respond({404, {}, std::string("not here")});
    found->second(std::move(request), std::move(exchange));
  }

 private:
  std::map<std::string, Answer> answers_;
};

class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}) {
    core_ = std::thread([this] { loop_.run(); });
    auto started = HttpServer::start(std::move(options), handler, post(), log_);
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message);
    server_ = std::move(started).value();
  }
  ~TestServer() {
    server_.reset();
    loop_.stop();
    core_.join();
  }

  PostToCore post() {
    return [this](Work work) { loop_.post_from_any_thread(std::move(work)); };
  }
  // Runs on the core thread, and waits for it.
  void on_core(const std::function<void()>& work) {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    loop_.post_from_any_thread([&] {
      work();
      const std::lock_guard lock(mutex);
      done = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
  }
  HttpServer& operator*() { return *server_; }
  HttpServer* operator->() { return server_.get(); }
  uint16_t port() const { return server_->port(); }
  runtime::AsioLoop& loop() { return loop_; }
  void stop_server() { server_.reset(); }

  TestHandler handler;

 private:
  NullLog log_;
  runtime::AsioLoop loop_;
  std::thread core_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace keelson::http::test
