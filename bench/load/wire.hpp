// The load's connections: non-blocking sockets, in clear or through TLS, that one thread serves.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/response_reader.hpp"
#include "runtime/http/dial.hpp"

namespace keelson::bench {

// Where the load goes, and as whom.
struct Target {
  http::ServerUrl url;
  http::TlsContext tls;  // null: plain HTTP
  std::string token;

  // A request with all its headers. `content_type` empty: no body.
  std::string request(std::string_view method, std::string_view path, std::string_view accept,
                      std::string_view content_type = {}, std::string_view body = {}) const;
};

int64_t now_ns();  // monotonic

class Poller;

// One kept-alive connection. Dies with its poller's turn: remove it only outside of Poller::wait().
class Wire {
 public:
  Wire(Poller& poller, int fd, http::SslPtr ssl, ResponseReader::Events events);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(std::string bytes);
  bool broken() const { return broken_; }
  const std::string& why() const { return why_; }
  std::size_t body_bytes() const { return reader_.body_bytes(); }

 private:
  friend class Poller;
  void ready(bool readable);
  void write();
  void read();
  void fail(std::string why);

  Poller& poller_;
  int fd_;
  http::Transport transport_;
  ResponseReader reader_;
  std::string out_;
  bool wants_write_ = false;
  bool broken_ = false;
  std::string why_;
};

class Poller {
 public:
  Poller();
  ~Poller();

  // Connects (and shakes hands), blocking. Null: `why` says it.
  std::unique_ptr<Wire> connect(const Target& target, ResponseReader::Events events,
                                std::string* why);
  // Serves what is ready; waits for it so long at most.
  void wait(int64_t ns_max);
  uint64_t bytes_received() const { return bytes_received_; }

 private:
  friend class Wire;
  void watch(Wire& wire, bool for_write, bool first);

  int epoll_;
  std::string scratch_;
  uint64_t bytes_received_ = 0;
};

}  // namespace keelson::bench
