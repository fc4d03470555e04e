#include "runtime/http/listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keelson::http {
namespace {

void set(int fd, int level, int option, int value) {
  // A connection without it still works.
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

std::string text_of(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  const std::string port = ":" + std::to_string(ntohs(v6.sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, host, sizeof host);
    return host + port;
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
  return "[" + std::string(host) + "]" + port;
}

}  // namespace

Result<Listener> listen_on(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  if (::getaddrinfo(address.c_str(), service.c_str(), &hints, &found) != 0) {
    return Error{Code::invalid, "listen address " + address + " is not an IP address"};
  }
  const int fd =
      ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  int failed = fd < 0 ? errno : 0;
  if (!failed) {
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (found->ai_family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, SOMAXCONN) != 0) {
      failed = errno;
    }
  }
  ::freeaddrinfo(found);
  if (failed) {
    if (fd >= 0) ::close(fd);
    return Error{failed == EADDRNOTAVAIL ? Code::invalid : Code::unavailable,
                 "cannot listen on " + address + " port " + service + ": " +
                     std::strerror(failed)};
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  const uint16_t actual = bound.ss_family == AF_INET
                              ? reinterpret_cast<const sockaddr_in&>(bound).sin_port
                              : reinterpret_cast<const sockaddr_in6&>(bound).sin6_port;
  return Listener{fd, ntohs(actual)};
}

Accepted accept_one(int listener_fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  const int fd = ::accept4(listener_fd, reinterpret_cast<sockaddr*>(&address), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return {-1, errno, {}};
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that has vanished without a word is noticed after some minutes, also on a silent watch.
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 5);
  return {fd, 0, text_of(address)};
}

}  // namespace keelson::http
