#include "tests/e2e/wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

namespace keelson::e2e {

namespace {

constexpr int kSilenceMs = 30'000;
constexpr int kPatienceMs = 100;

// The value of a header; empty: there is none.
std::string header_of(const std::string& head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at)) {
    at += 2;
    if (head.size() - at <= name.size() || head[at + name.size()] != ':') continue;
    if (strncasecmp(head.c_str() + at, name.data(), name.size()) != 0) continue;
    std::size_t from = at + name.size() + 1;
    while (head[from] == ' ') ++from;
    return head.substr(from, head.find("\r\n", from) - from);
  }
  return {};
}

}  // namespace

std::string Answer::brief() const {
  return std::to_string(status) + " " + body.substr(0, 300);
}

Wire::Wire(uint16_t port, int receive_buffer) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

Wire::~Wire() {
  close();
}

Wire::Wire(Wire&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ended_(other.ended_), got_(std::move(other.got_)) {}

Wire& Wire::operator=(Wire&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  ended_ = other.ended_;
  got_ = std::move(other.got_);
  return *this;
}

void Wire::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Wire::reset() {
  const linger at_once{1, 0};
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Wire::end_output() {
  ::shutdown(fd_, SHUT_WR);
}

bool Wire::send(std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Wire::send_what_fits(std::string_view data) {
  pollfd waiting{fd_, POLLOUT, 0};
  while (!data.empty() && ::poll(&waiting, 1, kPatienceMs) > 0) {
    const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Wire::receive(std::string& into) {
  pollfd waiting{fd_, POLLIN, 0};
  if (fd_ < 0 || ::poll(&waiting, 1, kSilenceMs) <= 0) return false;
  char buffer[65536];
  const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
  if (got <= 0) {
    ended_ = true;
    return false;
  }
  into.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool Wire::fill(std::size_t bytes) {
  while (got_.size() < bytes) {
    if (!receive(got_)) return false;
  }
  return true;
}

std::optional<std::string> Wire::read_chunks() {
  std::string body;
  while (true) {
    std::size_t line = 0;
    while ((line = got_.find("\r\n")) == std::string::npos) {
      if (!receive(got_)) return std::nullopt;
    }
    const std::size_t size = std::strtoul(got_.c_str(), nullptr, 16);
    if (!fill(line + 2 + size + 2)) return std::nullopt;
    body.append(got_, line + 2, size);
    got_.erase(0, line + 2 + size + 2);
    if (size == 0) return body;
  }
}

Answer Wire::read_answer() {
  Answer answer;
  std::size_t end = 0;
  while ((end = got_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(got_)) return answer;
  }
  answer.head = got_.substr(0, end + 4);
  got_.erase(0, end + 4);
  const std::size_t space = answer.head.find(' ');
  const int status = space == std::string::npos ? 0 : std::atoi(answer.head.c_str() + space);
  if (status == 100) return read_answer();
  if (!header_of(answer.head, "Transfer-Encoding").empty()) {
    auto body = read_chunks();
    if (!body) return answer;
    answer.body = std::move(*body);
  } else if (status >= 200 && status != 204 && status != 304) {
    const std::size_t length =
        std::strtoul(header_of(answer.head, "Content-Length").c_str(), nullptr, 10);
    if (!fill(length)) return answer;
    answer.body = got_.substr(0, length);
    got_.erase(0, length);
  }
  answer.status = status;
  return answer;
}

std::string request(std::string_view method, std::string_view target, std::string_view body,
                    std::string_view headers) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text.append("\r\n").append(body);
}

Answer Requester::ask(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view headers) {
  if (!wire_.connected()) wire_ = Wire(port_);
  if (!wire_.send(request(method, target, body, headers))) {
    wire_.close();
    return {};
  }
  Answer answer = wire_.read_answer();
  if (answer.status == 0 || header_of(answer.head, "Connection") == "close") wire_.close();
  return answer;
}

uint16_t plain_port(Cluster& cluster) {
  constexpr std::string_view before = "Without TLS and access control: http://127.0.0.1:";
  for (int i = 0; i < 600 && cluster.daemon().running(); ++i) {
    const std::string log = cluster.daemon().log();
    const std::size_t at = log.find(before);
    if (at != std::string::npos && log.find('\n', at) != std::string::npos) {
      return static_cast<uint16_t>(std::atoi(log.c_str() + at + before.size()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return 0;
}

bool step_clock(Requester& requester, const std::string& by) {
  const std::string clock = "/keelson/v1/sim/clock";
  return requester.ask("POST", clock + "/step", "{\"for\":\"" + by + "\"}").status == 200 &&
         requester.ask("PUT", clock, R"({"paused":false})").status == 200;
}

std::size_t raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

}  // namespace keelson::e2e
