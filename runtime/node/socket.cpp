#include "runtime/node/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "runtime/http/transport.hpp"

namespace keelson::node {

namespace asio = boost::asio;
using http::Io;
using http::IoResult;

namespace {

// Read in one turn before others have theirs.
constexpr int kReadsPerTurn = 16;
constexpr std::size_t kReadBytes = 16 * 1024;  // a TLS record

// A host that has lost its power or its cable says nothing: the kernel asks it, and gives up after
// half a minute, whether or not we read.
void keep_alive(int fd) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool parse(const std::string& text, uint16_t port, Address& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof *v4;
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  out.size = sizeof *v6;
  return true;
}

std::string as_go_spells(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return text;
}

}  // namespace

std::string host_port(const std::string& address, uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::string system_error_text(int error) {
  return as_go_spells(std::strerror(error));
}

struct Socket::Impl : std::enable_shared_from_this<Impl> {
  enum class Phase : uint8_t { connecting, handshake, open, dead };

  Impl(runtime::AsioLoop& loop_in, Dial dial_in, SocketUser& user_in)
      : loop(loop_in), dial(std::move(dial_in)), user(&user_in), descriptor(loop.context()) {}

  // Any work of a later turn; nothing once the socket is gone.
  template <class F>
  void later(F work) {
    asio::post(loop.context(), [self = shared_from_this(), work] {
      if (self->user != nullptr) work(*self);
    });
  }

  void begin() {
    patience = Timer(loop, [this] { fail("i/o timeout"); });
    patience.arm(dial.timeout);
    Address to;
    if (!parse(dial.address, dial.port, to)) {
      if (dial.fd >= 0) ::close(dial.fd);
      return later([](Impl& self) { self.fail("lookup " + self.dial.address + ": no such host"); });
    }
    int fd = dial.fd;
    if (fd < 0) fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      return later(
          [error = errno](Impl& self) { self.fail("socket: " + system_error_text(error)); });
    }
    descriptor.assign(fd);
    keep_alive(fd);
    const int result = ::connect(fd, reinterpret_cast<sockaddr*>(&to.storage), to.size);
    if (result != 0 && errno != EINPROGRESS) {
      return later(
          [error = errno](Impl& self) { self.fail("connect: " + system_error_text(error)); });
    }
    wait_write();
  }

  void wait_read() {
    if (read_armed || phase == Phase::dead) return;
    read_armed = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            self->read_armed = false;
                            if (error != asio::error::operation_aborted) self->ready();
                          });
  }

  void wait_write() {
    if (write_armed || phase == Phase::dead) return;
    write_armed = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            self->write_armed = false;
                            if (error != asio::error::operation_aborted) self->writable();
                          });
  }

  void ready() {
    if (user == nullptr) return;
    if (phase == Phase::handshake) return handshake();
    if (phase != Phase::open) return;
    const auto self = shared_from_this();
    // TLS may have waited for a byte before it could write, or for room before it could read.
    if (std::exchange(write_wants_read, false)) wait_write();
    read_some();
  }

  void writable() {
    if (user == nullptr) return;
    if (phase == Phase::connecting) return connected();
    if (phase == Phase::handshake) return handshake();
    if (phase != Phase::open) return;
    if (std::exchange(read_wants_write, false)) read_soon();
    write_some();
  }

  void connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(descriptor.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail("connect: " + system_error_text(error));
    http::SslPtr ssl;
    if (dial.tls) {
      // Whom the certificate is of is checked below: nodes are known by name, not by address.
      ssl.reset(SSL_new(dial.tls.get()));
      if (!ssl) return fail("out of memory");
      SSL_set_connect_state(ssl.get());
    }
    transport = http::Transport(descriptor.native_handle(), std::move(ssl));
    if (!dial.tls) return opened();
    phase = Phase::handshake;
    handshake();
  }

  void handshake() {
    switch (transport.handshake().what) {
      case Io::want_read: return wait_read();
      case Io::want_write: return wait_write();
      case Io::done: break;
      case Io::closed: return fail("tls: the other side has hung up");
      case Io::failed: return fail("tls: " + transport.failure());
    }
    const http::PeerCertificate peer = http::peer_certificate(transport.ssl());
    const std::string name = peer.user ? peer.user->name : "";
    if (name != dial.common_name) {
      return fail("tls: the certificate is of \"" + name + "\", not of \"" + dial.common_name +
                  "\"");
    }
    opened();
  }

  void opened() {
    phase = Phase::open;
    patience.disarm();
    const auto self = shared_from_this();
    user->on_connected();
    if (user == nullptr) return;
    if (!out.empty() || ended) wait_write();
    if (!paused) read_soon();
  }

  // TLS may hold bytes of which the socket shows nothing, so reading begins with an attempt.
  void read_soon() {
    if (reading_soon) return;
    reading_soon = true;
    later([](Impl& self) {
      self.reading_soon = false;
      if (self.phase == Phase::open) self.read_some();
    });
  }

  void read_some() {
    const auto self = shared_from_this();
    std::array<char, kReadBytes> buffer;
    for (int i = 0; i < kReadsPerTurn; ++i) {
      if (user == nullptr || paused || peer_ended || phase != Phase::open) return;
      const IoResult got = transport.read(buffer.data(), buffer.size());
      switch (got.what) {
        case Io::done: user->on_bytes({buffer.data(), got.bytes}); break;
        case Io::want_read: return wait_read();
        case Io::want_write: read_wants_write = true; return wait_write();
        case Io::closed: peer_ended = true; return user->on_end({});
        case Io::failed: return fail(as_go_spells(transport.failure()), "read");
      }
    }
    if (user != nullptr && !paused) read_soon();
  }

  void write_some() {
    const auto self = shared_from_this();
    while (sent < out.size()) {
      const std::string_view piece = std::string_view(out).substr(sent);
      const IoResult put = transport.write({&piece, 1});
      if (put.what == Io::want_read) {
        write_wants_read = true;
        return wait_read();
      }
      if (put.what == Io::want_write) break;
      if (put.what != Io::done) return fail(as_go_spells(transport.failure()), "write");
      sent += put.bytes;
    }
    if (sent == out.size()) {
      out.clear();
      out.shrink_to_fit();
      sent = 0;
      if (ended && !shut) {
        shut = true;
        transport.shutdown();
      }
    } else {
      if (sent > kUnsentBytes) {
        out.erase(0, sent);
        sent = 0;
      }
      wait_write();
    }
    if (was_blocked && out.size() - sent <= kUnsentBytes / 2) {
      was_blocked = false;
      user->on_writable();
    }
  }

  // `what` was being done.
  void fail(std::string why, const char* what = "dial") {
    if (user == nullptr || phase == Phase::dead) return;
    SocketUser* const told = user;
    const Status status(Code::unavailable, std::string(what) + " tcp " +
                                               host_port(dial.address, dial.port) + ": " + why);
    drop();
    told->on_end(status);
  }

  void drop() {
    phase = Phase::dead;
    patience = Timer();
    user = nullptr;
    boost::system::error_code ignored;
    if (descriptor.is_open()) descriptor.close(ignored);
  }

  runtime::AsioLoop& loop;
  Dial dial;
  SocketUser* user;  // null: the socket is gone, or has said its last word
  asio::posix::stream_descriptor descriptor;
  http::Transport transport;
  Timer patience;
  Phase phase = Phase::connecting;
  std::string out;  // with `sent` bytes at its front that have gone
  std::size_t sent = 0;
  bool ended = false, shut = false, peer_ended = false;
  bool paused = false, was_blocked = false;
  bool read_armed = false, write_armed = false, reading_soon = false;
  bool write_wants_read = false, read_wants_write = false;
};

Socket::Socket(runtime::AsioLoop& loop, Dial dial, SocketUser& user)
    : impl_(std::make_shared<Impl>(loop, std::move(dial), user)) {
  impl_->begin();
}

Socket::~Socket() {
  impl_->drop();
}

void Socket::send(std::string_view bytes) {
  if (impl_->ended || impl_->phase == Impl::Phase::dead) return;
  impl_->out += bytes;
  if (blocked()) impl_->was_blocked = true;
  if (impl_->phase == Impl::Phase::open) impl_->wait_write();
}

void Socket::end() {
  impl_->ended = true;
  if (impl_->phase == Impl::Phase::open) impl_->wait_write();
}

bool Socket::blocked() const {
  return impl_->out.size() - impl_->sent > kUnsentBytes;
}

void Socket::pause(bool paused) {
  impl_->paused = paused;
  if (!paused && impl_->phase == Impl::Phase::open) impl_->read_soon();
}

}  // namespace keelson::node
