#include "runtime/http/dial.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace keelson::http {
namespace {

int poll_ms(Duration patience) {
  if (patience <= Duration::zero()) return -1;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

// True once the socket is ready; false when patience has run out.
bool wait_for(int fd, short events, Duration patience) {
  pollfd waiting{fd, events, 0};
  int ready;
  do {
    ready = ::poll(&waiting, 1, poll_ms(patience));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

Result<int> connect_to(const addrinfo& address, Duration patience) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          address.ai_protocol);
  if (fd < 0) return Error{Code::unavailable, std::strerror(errno)};
  int failed = ::connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (failed == EINPROGRESS) {
    failed = ETIMEDOUT;
    socklen_t size = sizeof failed;
    if (wait_for(fd, POLLOUT, patience)) {
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
  }
  if (failed != 0) {
    ::close(fd);
    return Error{Code::unavailable, std::strerror(failed)};
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return fd;
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view url) {
  const Error bad{Code::invalid, "server \"" + std::string(url) +
                                     "\" is not of the form https://host[:port][/prefix]"};
  ServerUrl out;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad;
  }
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) out.prefix = rest.substr(slash);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  out.authority = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad;
    out.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    if (!authority.empty() && authority.front() != ':') return bad;
    if (!authority.empty()) port = authority.substr(1);
  } else {
    const auto colon = authority.find(':');
    out.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool printable = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (out.host.empty() || !digits || port.size() > 5 || !printable) return bad;
  out.port = port.empty() ? (out.tls ? "443" : "80") : std::string(port);
  return out;
}

Dialed::~Dialed() { close(); }

Dialed::Dialed(Dialed&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), transport_(std::move(other.transport_)) {}

Dialed& Dialed::operator=(Dialed&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    transport_ = std::move(other.transport_);
  }
  return *this;
}

void Dialed::close() {
  if (fd_ < 0) return;
  transport_.shutdown();
  ::close(std::exchange(fd_, -1));
  transport_ = {};
}

Result<Dialed> Dialed::connect(const ServerUrl& url, const TlsContext& tls,
                               const std::string& tls_name, Duration patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string where = url.host + " port " + url.port;
  if (const int failed = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found)) {
    return Error{Code::unavailable, "cannot resolve " + url.host + ": " + gai_strerror(failed)};
  }
  Result<int> fd = Error{Code::unavailable, "no address"};
  for (const addrinfo* address = found; address && !fd.ok(); address = address->ai_next) {
    fd = connect_to(*address, patience);
  }
  ::freeaddrinfo(found);
  if (!fd) return Error{fd.code(), "cannot connect to " + where + ": " + fd.error().message};

  Dialed dialed;
  dialed.fd_ = *fd;
  SslPtr ssl = url.tls ? make_client_ssl(tls, tls_name.empty() ? url.host : tls_name) : nullptr;
  dialed.transport_ = Transport(*fd, std::move(ssl));
  if (url.tls) {
    if (Status status = dialed.handshake(patience); !status) {
      return Error{status.code(), "TLS with " + where + ": " + status.message()};
    }
  }
  return dialed;
}

Status Dialed::handshake(Duration patience) {
  while (true) {
    const Io what = transport_.handshake().what;
    if (what == Io::done) return {};
    if (what == Io::want_read || what == Io::want_write) {
      if (wait_for(fd_, what == Io::want_read ? POLLIN : POLLOUT, patience)) continue;
      return {Code::unavailable, "the server does not answer"};
    }
    const bool untrusted = transport_.failure().starts_with("certificate verify failed");
    return {untrusted ? Code::denied : Code::unavailable, transport_.failure()};
  }
}

Status Dialed::write(std::string_view data, Duration patience) {
  while (!data.empty()) {
    const IoResult result = transport_.write({&data, 1});
    if (result.what == Io::done) {
      data.remove_prefix(result.bytes);
      continue;
    }
    if (result.what != Io::want_read && result.what != Io::want_write) {
      return {Code::unknown, "connection lost while sending: " + transport_.failure()};
    }
    if (!wait_for(fd_, result.what == Io::want_read ? POLLIN : POLLOUT, patience)) {
      return {Code::unknown, "the server does not take the request"};
    }
  }
  return {};
}

Result<std::size_t> Dialed::read(char* to, std::size_t capacity, Duration patience) {
  while (true) {
    const IoResult result = transport_.read(to, capacity);
    if (result.what == Io::done) return result.bytes;
    if (result.what == Io::closed) return std::size_t{0};
    if (result.what == Io::failed) {
      return Error{Code::unknown, "connection lost: " + transport_.failure()};
    }
    if (!wait_for(fd_, result.what == Io::want_read ? POLLIN : POLLOUT, patience)) {
      return Error{Code::unknown, "the server has been silent for too long"};
    }
  }
}

std::vector<std::string> Dialed::peer_chain() const {
  std::vector<std::string> out;
  if (!transport_.secure()) return out;
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(transport_.ssl());
  for (int i = 0; chain && i < sk_X509_num(chain); ++i) {
    BIO* text = BIO_new(BIO_s_mem());
    if (text && PEM_write_bio_X509(text, sk_X509_value(chain, i)) == 1) {
      char* bytes = nullptr;
      const long size = BIO_get_mem_data(text, &bytes);
      out.emplace_back(bytes, static_cast<std::size_t>(size));
    }
    BIO_free(text);
  }
  return out;
}

bool Dialed::has_buffered() const {
  return transport_.ssl() && SSL_has_pending(transport_.ssl()) == 1;
}

bool Dialed::stale() const {
  pollfd waiting{fd_, POLLIN, 0};
  return fd_ < 0 || ::poll(&waiting, 1, 0) != 0;
}

}  // namespace keelson::http
