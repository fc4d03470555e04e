#include "bench/load/wire.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace keelson::bench {

namespace {

constexpr std::size_t kScratchBytes = 256 * 1024;
constexpr int kHandshakePatienceMs = 10'000;

int dial(const http::ServerUrl& url, std::string* why) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found)) {
    *why = ::gai_strerror(error);
    return -1;
  }
  int fd = -1;
  for (const addrinfo* at = found; at && fd < 0; at = at->ai_next) {
    fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::connect(fd, at->ai_addr, at->ai_addrlen) == 0) break;
    *why = std::strerror(errno);
    ::close(fd);
    fd = -1;
  }
  ::freeaddrinfo(found);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

}  // namespace

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string Target::request(std::string_view method, std::string_view path, std::string_view accept,
                            std::string_view content_type, std::string_view body) const {
  std::string text;
  text.reserve(256 + body.size());
  text.append(method).append(" ").append(url.prefix).append(path).append(" HTTP/1.1\r\nHost: ");
  text.append(url.authority).append("\r\nUser-Agent: keelson-bench\r\nAccept: ").append(accept);
  if (!token.empty()) text.append("\r\nAuthorization: Bearer ").append(token);
  if (!content_type.empty()) {
    text.append("\r\nContent-Type: ").append(content_type);
    text.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  }
  text.append("\r\n\r\n").append(body);
  return text;
}

Wire::Wire(Poller& poller, int fd, http::SslPtr ssl, ResponseReader::Events events)
    : poller_(poller), fd_(fd), transport_(fd, std::move(ssl)), reader_(std::move(events)) {}

Wire::~Wire() {
  ::close(fd_);
}

void Wire::fail(std::string why) {
  if (broken_) return;
  broken_ = true;
  why_ = std::move(why);
  ::epoll_ctl(poller_.epoll_, EPOLL_CTL_DEL, fd_, nullptr);
}

void Wire::send(std::string bytes) {
  if (out_.empty()) {
    out_ = std::move(bytes);
  } else {
    out_ += bytes;
  }
  write();
}

void Wire::write() {
  bool must_wait = false;
  while (!out_.empty() && !broken_ && !must_wait) {
    const std::string_view piece = out_;
    const http::IoResult result = transport_.write({&piece, 1});
    if (result.what == http::Io::done) {
      out_.erase(0, result.bytes);
    } else if (result.what == http::Io::want_write) {
      must_wait = true;
    } else if (result.what == http::Io::want_read) {
      return;  // TLS; the next read goes on
    } else {
      return fail("write: " + transport_.failure());
    }
  }
  if (must_wait != wants_write_ && !broken_) {
    wants_write_ = must_wait;
    poller_.watch(*this, wants_write_, false);
  }
}

void Wire::read() {
  while (!broken_) {
    const http::IoResult result = transport_.read(poller_.scratch_.data(), poller_.scratch_.size());
    if (result.what == http::Io::want_read || result.what == http::Io::want_write) return;
    if (result.what == http::Io::closed) return fail("the server has closed the connection");
    if (result.what == http::Io::failed) return fail("read: " + transport_.failure());
    poller_.bytes_received_ += result.bytes;
    if (!reader_.put({poller_.scratch_.data(), result.bytes})) return fail("not understood");
    if (!transport_.secure() && result.bytes < poller_.scratch_.size()) return;
  }
}

void Wire::ready(bool readable) {
  if (readable) read();
  if (!out_.empty() && !broken_) write();
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), scratch_(kScratchBytes, '\0') {}

Poller::~Poller() {
  ::close(epoll_);
}

void Poller::watch(Wire& wire, bool for_write, bool first) {
  epoll_event event{};
  event.events = EPOLLIN | (for_write ? EPOLLOUT : 0u);
  event.data.ptr = &wire;
  ::epoll_ctl(epoll_, first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, wire.fd_, &event);
}

std::unique_ptr<Wire> Poller::connect(const Target& target, ResponseReader::Events events,
                                      std::string* why) {
  const int fd = dial(target.url, why);
  if (fd < 0) return nullptr;
  auto wire = std::make_unique<Wire>(
      *this, fd, target.tls ? http::make_client_ssl(target.tls, target.url.host) : nullptr,
      std::move(events));
  while (target.tls) {
    const http::Io what = wire->transport_.handshake().what;
    if (what == http::Io::done) break;
    pollfd ready{fd, static_cast<short>(what == http::Io::want_write ? POLLOUT : POLLIN), 0};
    if (what == http::Io::closed || what == http::Io::failed ||
        ::poll(&ready, 1, kHandshakePatienceMs) <= 0) {
      *why = "TLS: " + wire->transport_.failure();
      return nullptr;
    }
  }
  watch(*wire, false, true);
  return wire;
}

void Poller::wait(int64_t ns_max) {
  epoll_event events[256];
  const timespec bound{ns_max / 1'000'000'000, static_cast<long>(ns_max % 1'000'000'000)};
  const int count = ::epoll_pwait2(epoll_, events, std::size(events), &bound, nullptr);
  for (int i = 0; i < count; ++i) {
    static_cast<Wire*>(events[i].data.ptr)
        ->ready((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0);
  }
}

}  // namespace keelson::bench
