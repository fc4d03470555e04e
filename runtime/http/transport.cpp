#include "runtime/http/transport.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/assert.hpp"

namespace keelson::http {
namespace {

// A BIO on a socket like OpenSSL's own, but for MSG_NOSIGNAL: a peer that has gone must not raise
// SIGPIPE in whatever process this runs in.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t sent = ::send(fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t got = ::recv(fd, data, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long bio_ctrl(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default: return 0;
  }
}

BIO_METHOD* make_bio_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keelson socket");
  KEELSON_ASSERT(method != nullptr);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_ctrl);
  return method;
}

BIO* make_bio(int fd) {
  static BIO_METHOD* const method = make_bio_method();
  BIO* bio = BIO_new(method);
  KEELSON_ASSERT(bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

// One TLS record: small pieces share one, and a retried write repeats the same bytes.
constexpr std::size_t kRecordBytes = 16 * 1024;
// More pieces than this go into the next call.
constexpr std::size_t kPiecesMax = 64;

}  // namespace

void SslFree::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Transport::Transport(int fd, SslPtr ssl) : fd_(fd), ssl_(std::move(ssl)) {
  if (!ssl_) return;
  BIO* bio = make_bio(fd_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
}

IoResult Transport::ssl_result(int result) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE: return {Io::done, static_cast<std::size_t>(result)};
    case SSL_ERROR_WANT_READ: return {Io::want_read};
    case SSL_ERROR_WANT_WRITE: return {Io::want_write};
    case SSL_ERROR_ZERO_RETURN: return {Io::closed};
    case SSL_ERROR_SYSCALL:
      failure_ = saved_errno == 0 ? "connection closed" : std::strerror(saved_errno);
      ERR_clear_error();
      return {Io::failed};
    default: {
      // The last error of the queue is TLS's own, and the queue must be empty for the next call.
      const unsigned long error = ERR_peek_last_error();
      const char* reason = ERR_reason_error_string(error);
      failure_ = reason ? reason : "TLS failure";
      const long verified = SSL_get_verify_result(ssl_.get());
      if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        failure_ = std::string("certificate verify failed: ") +
                   X509_verify_cert_error_string(verified);
      }
      const bool eof = ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
      ERR_clear_error();
      if (eof) failure_ = "connection closed";
      return {Io::failed};
    }
  }
}

IoResult Transport::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  return ssl_result(result);
}

IoResult Transport::read(char* to, std::size_t capacity) {
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    const int size = static_cast<int>(std::min<std::size_t>(capacity, 1 << 30));
    return ssl_result(SSL_read(ssl_.get(), to, size));
  }
  const ssize_t got = ::recv(fd_, to, capacity, 0);
  if (got > 0) return {Io::done, static_cast<std::size_t>(got)};
  if (got == 0) return {Io::closed};
  if (errno == EAGAIN || errno == EINTR) return {Io::want_read};
  failure_ = std::strerror(errno);
  return {Io::failed};
}

IoResult Transport::write(std::span<const std::string_view> pieces) {
  return ssl_ ? write_secure(pieces) : write_plain(pieces);
}

IoResult Transport::write_plain(std::span<const std::string_view> pieces) {
  iovec vectors[kPiecesMax];
  const std::size_t count = std::min(pieces.size(), kPiecesMax);
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  if (sent >= 0) return {Io::done, static_cast<std::size_t>(sent)};
  if (errno == EAGAIN || errno == EINTR) return {Io::want_write};
  failure_ = std::strerror(errno);
  return {Io::failed};
}

IoResult Transport::write_secure(std::span<const std::string_view> pieces) {
  ERR_clear_error();
  errno = 0;
  if (pieces.front().size() >= kRecordBytes || pieces.size() == 1) {
    const std::size_t size = std::min(pieces.front().size(), kRecordBytes);
    return ssl_result(SSL_write(ssl_.get(), pieces.front().data(), static_cast<int>(size)));
  }
  char record[kRecordBytes];
  std::size_t size = 0;
  for (const std::string_view piece : pieces) {
    const std::size_t part = std::min(piece.size(), kRecordBytes - size);
    std::memcpy(record + size, piece.data(), part);
    size += part;
    if (size == kRecordBytes) break;
  }
  return ssl_result(SSL_write(ssl_.get(), record, static_cast<int>(size)));
}

void Transport::shutdown() {
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

}  // namespace keelson::http
