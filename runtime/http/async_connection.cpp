#include "runtime/http/async_connection.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace keelson::http {

using boost::asio::ip::tcp;

AsyncConnection::AsyncConnection(runtime::AsioLoop& loop, Target target)
    : loop_(loop),
      target_(std::move(target)),
      resolver_(loop.context()),
      descriptor_(loop.context()),
      patience_timer_(loop, [this] {
        switch (phase_) {
          case Phase::connecting:
          case Phase::shaking_hands:
            fail(Code::unavailable, "cannot connect to " + target_.url.host + " port " +
                                        target_.url.port + ": no answer in time");
            break;
          case Phase::idle: end({}); break;
          default: fail(Code::unknown, "no answer in time"); break;
        }
      }) {}

AsyncConnection::~AsyncConnection() { close_socket(); }

void AsyncConnection::connect(Duration patience, std::function<void(Status)> done) {
  done_ = std::move(done);
  phase_ = Phase::connecting;
  if (patience > Duration::zero()) patience_timer_.arm(patience);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(target_.url.host, error);
  if (!error) {
    uint16_t port = 0;
    std::from_chars(target_.url.port.data(), target_.url.port.data() + target_.url.port.size(), port);
    addresses_ = {tcp::endpoint(address, port)};
    boost::asio::post(loop_.context(), [self = shared_from_this(), turn = turn_] {
      if (turn == self->turn_) self->try_next_address();
    });
    return;
  }
  resolver_.async_resolve(
      target_.url.host, target_.url.port,
      [self = shared_from_this(), turn = turn_](const boost::system::error_code& failed,
                                                const tcp::resolver::results_type& found) {
        if (turn != self->turn_) return;
        if (failed) {
          return self->fail(Code::unavailable, "cannot resolve " + self->target_.url.host + ": " +
                                                   failed.message());
        }
        for (const auto& entry : found) self->addresses_.push_back(entry.endpoint());
        self->try_next_address();
      });
}

void AsyncConnection::try_next_address() {
  close_socket();
  if (next_address_ == addresses_.size()) {
    return fail(Code::unavailable, "cannot connect to " + target_.url.host + " port " +
                                       target_.url.port + ": " + last_failure_);
  }
  const tcp::endpoint& to = addresses_[next_address_++];
  fd_ = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    return fail(Code::unavailable, std::string("cannot make a socket: ") + std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  descriptor_.assign(fd_);
  if (::connect(fd_, to.data(), static_cast<socklen_t>(to.size())) == 0) return on_connected();
  if (errno != EINPROGRESS) {
    last_failure_ = std::strerror(errno);
    return try_next_address();
  }
  wait(true);
}

void AsyncConnection::on_connected() {
  reusable_ = true;
  SslPtr ssl;
  if (target_.url.tls) {
    const std::string& name = target_.tls_name.empty() ? target_.url.host : target_.tls_name;
    ssl = make_client_ssl(target_.tls, name);
  }
  const bool secure = ssl != nullptr;
  transport_ = Transport(fd_, std::move(ssl));
  if (!secure) return end({});
  phase_ = Phase::shaking_hands;
  go();
}

void AsyncConnection::exchange(Exchange exchange) {
  KEELSON_ASSERT(fd_ >= 0 && (phase_ == Phase::none || phase_ == Phase::idle));
  ++turn_;
  descriptor_.cancel();
  done_ = std::move(exchange.done);
  exchange_ = std::move(exchange);
  sent_ = 0;
  got_bytes_ = false;
  reusable_ = false;
  parser_ = std::make_unique<AnswerParser>(exchange_.bodiless);
  phase_ = Phase::sending;
  if (exchange_.patience > Duration::zero()) {
    patience_timer_.arm(exchange_.patience);
  } else {
    patience_timer_.disarm();
  }
  boost::asio::post(loop_.context(), [self = shared_from_this(), turn = turn_] {
    if (turn == self->turn_) self->go();
  });
}

void AsyncConnection::idle(Duration patience, std::function<void()> on_closed) {
  phase_ = Phase::idle;
  done_ = [on_closed = std::move(on_closed)](Status) { on_closed(); };
  patience_timer_.arm(patience);
  wait(false);
}

void AsyncConnection::close() {
  ++turn_;
  done_ = nullptr;
  phase_ = Phase::none;
  patience_timer_.disarm();
  resolver_.cancel();
  close_socket();
}

void AsyncConnection::close_socket() {
  if (fd_ < 0) return;
  ++turn_;
  transport_.shutdown();
  transport_ = {};
  descriptor_.close();
  fd_ = -1;
  reusable_ = false;
}

void AsyncConnection::wait(bool for_write) {
  using Descriptor = boost::asio::posix::stream_descriptor;
  descriptor_.async_wait(for_write ? Descriptor::wait_write : Descriptor::wait_read,
                         [self = shared_from_this(), turn = turn_](const boost::system::error_code&) {
                           if (turn == self->turn_) self->go();
                         });
}

void AsyncConnection::go() {
  switch (phase_) {
    case Phase::none: return;
    case Phase::connecting: {
      int failed = 0;
      socklen_t size = sizeof failed;
      ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failed, &size);
      if (failed == 0) return on_connected();
      last_failure_ = std::strerror(failed);
      return try_next_address();
    }
    case Phase::shaking_hands: return shake_hands();
    case Phase::sending: return send();
    case Phase::receiving: return receive();
    case Phase::idle: return end({});  // whatever came, nobody has asked for it
  }
}

void AsyncConnection::shake_hands() {
  const IoResult result = transport_.handshake();
  switch (result.what) {
    case Io::done: return end({});
    case Io::want_read: return wait(false);
    case Io::want_write: return wait(true);
    default: break;
  }
  const bool untrusted = SSL_get_verify_result(transport_.ssl()) != X509_V_OK;
  fail(untrusted ? Code::denied : Code::unavailable,
       "TLS with " + target_.url.host + " port " + target_.url.port + ": " + transport_.failure());
}

void AsyncConnection::send() {
  while (sent_ < exchange_.text.size()) {
    const std::string_view rest = std::string_view(exchange_.text).substr(sent_);
    const IoResult result = transport_.write({&rest, 1});
    if (result.what == Io::want_read) return wait(false);
    if (result.what == Io::want_write) return wait(true);
    if (result.what != Io::done) {
      return fail(Code::unknown, "the connection broke: " + transport_.failure());
    }
    sent_ += result.bytes;
  }
  exchange_.text = {};
  phase_ = Phase::receiving;
  receive();
}

void AsyncConnection::receive() {
  // A big answer is taken in portions, so that others get their turn.
  constexpr std::size_t kPortion = 256 * 1024;
  char buffer[16 * 1024];
  const auto self = shared_from_this();
  for (std::size_t taken = 0; taken < kPortion;) {
    const IoResult result = transport_.read(buffer, sizeof buffer);
    if (result.what == Io::want_read) return wait(false);
    if (result.what == Io::want_write) return wait(true);
    if (result.what == Io::closed) {
      const Status status = parser_->end();
      close_socket();
      return end(status);
    }
    if (result.what == Io::failed) {
      return fail(Code::unknown, "the connection broke: " + transport_.failure());
    }
    taken += result.bytes;
    got_bytes_ = true;
    if (exchange_.patience > Duration::zero()) patience_timer_.arm(exchange_.patience);
    received_.append(buffer, result.bytes);
    const uint64_t turn = turn_;
    const auto state = parser_->feed(received_, exchange_.on_head, exchange_.on_data);
    if (turn != turn_) return;  // closed by the user
    if (!state) return fail(state.code(), state.error().message);
    if (*state == AnswerParser::State::done) {
      reusable_ = parser_->keep_alive() && received_.empty();
      return end({});
    }
  }
  boost::asio::post(loop_.context(), [self, turn = turn_] {
    if (turn == self->turn_) self->go();
  });
}

void AsyncConnection::fail(Code code, std::string why) {
  close_socket();
  end({code, std::move(why)});
}

void AsyncConnection::end(Status status) {
  ++turn_;
  phase_ = Phase::none;
  patience_timer_.disarm();
  exchange_.on_head = nullptr;
  exchange_.on_data = nullptr;
  const auto self = shared_from_this();
  if (auto done = std::exchange(done_, nullptr)) done(std::move(status));
}

}  // namespace keelson::http
