// Bytes over a non-blocking socket, in clear or through TLS. Nothing here waits: a call does what can
// be done at once and says what to wait for before it is made again. Server and client share it.
//
// TLS works on the socket directly, not through memory buffers of its own, and gives its record
// buffers back whenever they are empty: an idle TLS connection costs some kilobytes, not a hundred.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace keelson::http {

enum class Io {
  done,        // `bytes` were moved (at least one), or the handshake is over
  want_read,   // wait until the socket is readable, then call again
  want_write,  // wait until it is writable
  closed,      // the other side has ended its direction properly
  failed,      // broken; the connection is of no use any more
};

struct IoResult {
  Io what = Io::done;
  std::size_t bytes = 0;
};

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslFree>;

class Transport {
 public:
  Transport() = default;
  // `fd` is non-blocking and stays the caller's. `ssl` may be null: in clear. It must be set up as
  // server or client already.
  Transport(int fd, SslPtr ssl);

  bool secure() const { return ssl_ != nullptr; }
  ssl_st* ssl() const { return ssl_.get(); }

  // TLS only; `done` means that the handshake is complete.
  IoResult handshake();
  IoResult read(char* to, std::size_t capacity);
  // Writes a prefix of the concatenation of `pieces`. After want_*, the next call must offer the same
  // bytes again, with any others after them.
  IoResult write(std::span<const std::string_view> pieces);
  // Ends our direction: a TLS close alert, if it fits, then FIN.
  void shutdown();
  // Why the last call failed, for people.
  std::string failure() const { return failure_; }

 private:
  IoResult ssl_result(int result);
  IoResult write_plain(std::span<const std::string_view> pieces);
  IoResult write_secure(std::span<const std::string_view> pieces);

  int fd_ = -1;
  SslPtr ssl_;
  std::string failure_;
};

}  // namespace keelson::http
