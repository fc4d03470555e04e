// One outgoing connection on the core loop, in clear or through TLS: nothing blocks, no thread of
// its own. Everything else in this folder that talks to somebody stands on it.
//
// Threading: the thread of the loop. The user is not called from inside a call, nor after the
// socket is gone; destroying it drops the connection and may happen in a callback.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "runtime/http/tls.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::node {

class SocketUser {
 public:
  virtual void on_connected() = 0;  // TLS, if any, included
  virtual void on_bytes(std::string_view bytes) = 0;
  virtual void on_writable() = 0;
  // The other side sends no more; with an error the connection is over in both directions.
  virtual void on_end(Status why) = 0;

 protected:
  ~SocketUser() = default;
};

// Whom to connect to. Failures are Code::unavailable, with what a dialler says: "dial tcp
// 10.0.0.7:10250: connect: connection refused", "dial tcp 10.0.0.7:10250: i/o timeout".
struct Dial {
  std::string address;  // IPv4 or IPv6
  uint16_t port = 0;
  http::TlsContext tls;     // null: in clear
  std::string common_name;  // of the certificate that the other side must have
  Duration timeout = 10s;   // TCP and TLS together
  // Not -1: an unconnected non-blocking TCP socket to use, made in another network namespace. It
  // becomes the Socket's, whatever happens.
  int fd = -1;
};

class Socket {
 public:
  // From here on send() and the like keep what is waiting in memory; blocked() says so.
  static constexpr std::size_t kUnsentBytes = 256 * 1024;

  Socket(runtime::AsioLoop& loop, Dial dial, SocketUser& user);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send(std::string_view bytes);  // may be called before on_connected()
  void end();                         // our direction: FIN when all has gone
  bool blocked() const;
  void pause(bool paused);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// "10.0.0.7:10250", "[fd00::7]:10250"
std::string host_port(const std::string& address, uint16_t port);
// The system's word for an error number as Go's programs spell it: "connection refused".
std::string system_error_text(int error);

}  // namespace keelson::node
