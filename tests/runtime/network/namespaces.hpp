// Hosts made of network namespaces: nobody gives them a name, so they vanish with the test, however
// it ends. Servers and clients are threads that have entered them.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/loop/asio_loop.hpp"

namespace keelson::test {

// A child process that only waits holds the namespace; it dies with the test's process.
class Host {
 public:
  Host() {
    int ready[2];
    EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const char verdict = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
      if (write(ready[1], &verdict, 1) != 1) _exit(1);
      for (;;) pause();
    }
    char verdict = 'n';
    EXPECT_EQ(read(ready[0], &verdict, 1), 1);
    close(ready[0]);
    close(ready[1]);
    usable_ = verdict == 'y';
    if (!usable_) return;
    fd_ = open(("/proc/" + std::to_string(pid_) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
    sh("ip link set lo up");
  }
  ~Host() {
    if (fd_ >= 0) close(fd_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Host(const Host&) = delete;

  bool usable() const { return usable_; }
  pid_t pid() const { return pid_; }

  // On a thread of its own, inside.
  template <class F>
  auto inside(F f) const -> decltype(f()) {
    return std::async(std::launch::async, [&] {
             EXPECT_EQ(setns(fd_, CLONE_NEWNET), 0);
             return f();
           })
        .get();
  }
  void enter() const { EXPECT_EQ(setns(fd_, CLONE_NEWNET), 0); }

  // A shell command inside; what it prints. Fails the test if the command fails.
  std::string sh(const std::string& command, bool may_fail = false) const {
    const std::string line =
        "nsenter --net=/proc/" + std::to_string(pid_) + "/ns/net sh -c '" + command + "' 2>&1";
    std::FILE* pipe = popen(line.c_str(), "r");
    std::string output;
    char buffer[4096];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
    const int status = pclose(pipe);
    if (!may_fail) {
      EXPECT_EQ(status, 0) << command << ": " << output;
    }
    return output;
  }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  bool usable_ = false;
};

// An address of either family; IPv4 ones as IPv6 sockets know them, so that one socket serves both.
inline sockaddr_in6 address_of(const std::string& ip, int port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  const bool six = ip.find(':') != std::string::npos;
  EXPECT_EQ(inet_pton(AF_INET6, (six ? ip : "::ffff:" + ip).c_str(), &address.sin6_addr), 1) << ip;
  return address;
}

inline std::string text_of(const sockaddr_in6& address) {
  char buffer[INET6_ADDRSTRLEN];
  const std::string text = inet_ntop(AF_INET6, &address.sin6_addr, buffer, sizeof buffer);
  return text.starts_with("::ffff:") ? text.substr(7) : text;
}

inline int open_socket(int type, int port) {
  const int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
  const int on = 1, off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (port != 0) {
    const sockaddr_in6 own = address_of("::", port);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
  }
  return fd;
}

// Answers each connection, or datagram, with "NAME CLIENT-ADDRESS".
class Echo {
 public:
  Echo(const Host& host, std::string name, int port, int type = SOCK_STREAM)
      : name_(std::move(name)), type_(type) {
    host.inside([&] {
      fd_ = open_socket(type, port);
      if (type == SOCK_STREAM) {
        EXPECT_EQ(listen(fd_, 64), 0);
      }
    });
    thread_ = std::thread([this] { serve(); });
  }
  ~Echo() {
    stop_ = true;
    thread_.join();
    close(fd_);
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd wait{fd_, POLLIN, 0};
      if (poll(&wait, 1, 20) <= 0) continue;
      sockaddr_in6 peer{};
      socklen_t size = sizeof peer;
      if (type_ == SOCK_DGRAM) {
        char buffer[512];
        if (recvfrom(fd_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size) < 0) {
          continue;
        }
        const std::string answer = name_ + " " + text_of(peer);
        sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
        continue;
      }
      const int connection = accept(fd_, reinterpret_cast<sockaddr*>(&peer), &size);
      if (connection < 0) continue;
      const std::string answer = name_ + " " + text_of(peer);
      send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(connection);
    }
  }
  std::string name_;
  int type_;
  int fd_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// What the server at the other end says, "refused", "timeout", or the error's text. `from_port`: a
// fixed source port, which makes datagrams one flow.
inline std::string ask(const Host& from, const std::string& ip, int port, int type = SOCK_STREAM,
                       int from_port = 0, int patience_ms = 1500) {
  return from.inside([&]() -> std::string {
    const int fd = open_socket(type | SOCK_NONBLOCK, from_port);
    const sockaddr_in6 to = address_of(ip, port);
    std::string result = "timeout";
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
      result = errno == ECONNREFUSED ? "refused" : std::strerror(errno);
    } else {
      if (type == SOCK_DGRAM && send(fd, "?", 1, 0) < 0) result = std::strerror(errno);
      pollfd wait{fd, POLLIN, 0};
      if (poll(&wait, 1, patience_ms) > 0) {
        char buffer[512];
        const auto n = read(fd, buffer, sizeof buffer);
        if (n >= 0) result.assign(buffer, static_cast<std::size_t>(n));
        if (n < 0) result = errno == ECONNREFUSED ? "refused" : std::strerror(errno);
      }
    }
    close(fd);
    return result;
  });
}

// A core thread inside a host, or in this very namespace: what is made by run() lives there.
class Node {
 public:
  Node() : Node(nullptr) {}
  explicit Node(const Host& host) : Node(&host) {}
  ~Node() {
    loop_->stop();
    thread_.join();
  }
  runtime::AsioLoop& loop() { return *loop_; }
  template <class F>
  auto run(F f) -> decltype(f()) {
    std::packaged_task<decltype(f())()> task(std::move(f));
    auto result = task.get_future();
    loop_->post_from_any_thread([&task] { task(); });
    return result.get();
  }

 private:
  explicit Node(const Host* host) {
    std::promise<void> made;
    thread_ = std::thread([&, host] {
      if (host) host->enter();
      loop_ = std::make_unique<runtime::AsioLoop>();
      made.set_value();
      loop_->run();
    });
    made.get_future().wait();
  }
  std::unique_ptr<runtime::AsioLoop> loop_;
  std::thread thread_;
};

// Until `condition` holds, at most `patience`.
template <class F>
bool eventually(F condition, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace keelson::test
