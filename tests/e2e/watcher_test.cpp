// The watcher that judges servers, judged: it must notice each thing that a watch may not do.
#include "tests/e2e/watcher.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace keelson::e2e {
namespace {

// Gives one client one answer, whatever it asks.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::string answer) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int fd = ::accept(listener_, nullptr, nullptr);
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
      ::close(fd);
    });
  }
  ~ScriptedServer() {
    thread_.join();
    ::close(listener_);
  }
  uint16_t port() const { return port_; }

 private:
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

std::string event(const std::string& type, const std::string& name, int revision) {
  return R"({"type":")" + type + R"(","object":{"kind":"ConfigMap","metadata":{"name":")" + name +
         R"(","namespace":"n","resourceVersion":")" + std::to_string(revision) + "\"}}}\n";
}

std::string bookmark(int revision, bool initial_end = false) {
  return R"({"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":")" +
         std::to_string(revision) + "\"" +
         (initial_end ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "") + "}}}\n";
}

std::string error(int code) {
  return R"({"type":"ERROR","object":{"kind":"Status","code":)" + std::to_string(code) + "}}\n";
}

// A watch that brings `events`, in chunks of `chunk` bytes, and ends.
Watcher watched(const std::string& events, Begin begin = Begin::zero, std::size_t chunk = 1'000) {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < events.size(); at += chunk) {
    const std::string part = events.substr(at, chunk);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    answer += size + part + "\r\n";
  }
  ScriptedServer server(answer + "0\r\n\r\n");
  Watcher watcher(server.port(), {"/api/v1/configmaps", {}, false}, begin, 0);
  Requester unused(0);
  watcher.open(unused);
  while (watcher.is_open()) {
    pollfd waiting{watcher.fd(), POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) break;
    watcher.read_some();
  }
  return watcher;
}

std::string first_wrong(const Watcher& watcher) {
  return watcher.wrong.empty() ? "nothing" : watcher.wrong.front();
}

TEST(Watcher, FollowsWhatIsRight) {
  const std::string events = event("ADDED", "a", 7) + event("ADDED", "b", 5) +
                             event("MODIFIED", "a", 8) + event("DELETED", "b", 9) + bookmark(12) +
                             event("ADDED", "b", 13);
  for (const std::size_t chunk : {1, 2, 7, 100, 10'000}) {
    const Watcher watcher = watched(events, Begin::zero, chunk);
    EXPECT_EQ(first_wrong(watcher), "nothing") << chunk;
    EXPECT_EQ(watcher.revision(), 13u);
    EXPECT_EQ(watcher.ended, 1u);
    ASSERT_EQ(watcher.known().size(), 2u);
    EXPECT_EQ(watcher.known().at("n/a").revision, 8u);
    EXPECT_EQ(watcher.known().at("n/b").revision, 13u);
  }
}

TEST(Watcher, NoticesWhatIsWrong) {
  const std::string a = event("ADDED", "a", 5), b = event("ADDED", "b", 6);
  const struct {
    std::string events;
    const char* wrong;
    Begin begin = Begin::zero;
  } cases[] = {
      {a + a, "known already"},
      {a + event("MODIFIED", "a", 7) + event("MODIFIED", "a", 7), "not newer"},
      {a + b + event("MODIFIED", "a", 6), "not after 6"},
      {a + event("MODIFIED", "a", 9) + event("ADDED", "b", 8), "not after 9", Begin::zero},
      {a + event("DELETED", "a", 9) + event("ADDED", "a", 9), "not after 9"},
      {event("MODIFIED", "a", 5), "not known"},
      {a + event("DELETED", "b", 6), "not known"},
      {a + bookmark(10) + event("MODIFIED", "a", 10), "not after 10"},
      {a + bookmark(4), "bookmark before 5"},
      {a + bookmark(9, true), "wrong sort"},
      {a + bookmark(9), "wrong sort", Begin::initial_events},
      {b + a, "before the end of what there is", Begin::initial_events},
      {a + error(500), "error"},
      {a + b.substr(0, 40), "within an event"},
  };
  for (const auto& one : cases) {
    const Watcher watcher = watched(one.events, one.begin);
    EXPECT_NE(first_wrong(watcher).find(one.wrong), std::string::npos)
        << one.wrong << ", but: " << first_wrong(watcher);
  }
}

TEST(Watcher, ForgetsWhatHasExpired) {
  const Watcher watcher = watched(event("ADDED", "a", 5) + error(410));
  EXPECT_EQ(first_wrong(watcher), "nothing");
  EXPECT_EQ(watcher.expired, 1u);
  EXPECT_TRUE(watcher.known().empty());
  EXPECT_EQ(watcher.revision(), 0u);
}

TEST(Watcher, IsReadyAfterTheInitialState) {
  const std::string initial = event("ADDED", "a", 9) + event("ADDED", "b", 2);
  EXPECT_EQ(watched(initial, Begin::initial_events).revision(), 0u);
  const Watcher watcher =
      watched(initial + bookmark(9, true) + event("ADDED", "0", 10), Begin::initial_events);
  EXPECT_EQ(first_wrong(watcher), "nothing");
  EXPECT_EQ(watcher.revision(), 10u);
}

}  // namespace
}  // namespace keelson::e2e
