// What a server may be told, and what it counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/time.hpp"
#include "runtime/http/tls.hpp"

namespace keelson::http {

// Each bound protects the others' service from one client. The defaults suit an API server: what
// kube-apiserver has a number for is its number.
struct ServerLimits {
  uint32_t header_bytes = 64 * 1024;  // request line and headers => 431
  uint32_t headers = 128;             // their number => 431
  uint64_t body_bytes = 3 * 1024 * 1024;  // kube-apiserver's limit for one object => 413
  // Bodies that have come, in part or whole, and are not handled yet, in all: a request whose body
  // would make them more is refused => 429. Nobody knows yet who sends them. Small ones are never
  // refused, and one is always let through.
  uint64_t bodies_bytes = 256 * 1024 * 1024;
  uint64_t small_body_bytes = 16 * 1024;
  std::size_t connections = 20'000;   // more are closed at once, after a 503
  std::size_t streams = 15'000;       // answers being streamed and upgraded connections, in all => 429
  // Requests that a client may send ahead of the answers; they are served one after the other, and
  // what is beyond this stays in the kernel.
  std::size_t pipelined_bytes = 64 * 1024;

  Duration handshake = std::chrono::seconds(10);
  Duration header_read = std::chrono::seconds(32);  // from the first byte to the blank line => 408
  // A body has `body_read` plus the time that it takes at `body_bytes_per_second`, from its first
  // byte => 408. A constant trickle cannot hold a connection for ever.
  Duration body_read = std::chrono::seconds(30);
  uint64_t body_bytes_per_second = 64 * 1024;
  Duration idle = std::chrono::seconds(180);  // between requests: Go's clients give up at 90 s
  Duration write_stall = std::chrono::seconds(30);  // no byte taken while some are waiting => dropped

  // From here an Exchange or a Pipe is blocked(), until half of it has gone.
  std::size_t unsent_bytes = 256 * 1024;
  // A stream whose writer goes on in spite of blocked() is dropped here.
  std::size_t unsent_bytes_max = 64 * 1024 * 1024;
  // Answers above `unsent_bytes` that wait for their readers, in all: further ones are refused => 429.
  // One is always let through, however large.
  uint64_t unsent_answers_bytes = 256 * 1024 * 1024;
  // Received through a Pipe and not yet taken by the core: reading pauses.
  std::size_t unread_bytes = 256 * 1024;
  std::size_t websocket_message_bytes = 1024 * 1024;  // => close code 1009
  Duration websocket_ping = std::chrono::seconds(30);     // after so much silence a ping,
  Duration websocket_timeout = std::chrono::seconds(75);  // after this much the end
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // "0.0.0.0", "::" (both families)
  uint16_t port = 0;                  // 0: any free one, see HttpServer::port()
  std::optional<ServerTls> tls;       // without: plain HTTP
  // Files that have changed are loaded again; connections that are open keep what they have.
  Duration tls_reload = std::chrono::seconds(10);
  int io_threads = 1;
  // Ready answers above this are compressed for clients that accept it (kube-apiserver's number).
  std::size_t gzip_bytes = 128 * 1024;
  // One line per request, appended to a file; "-" is standard error, empty is none.
  std::string access_log;
  ServerLimits limits;
};

// Counters since the start, but for the gauges. Read at any time, from any thread.
struct ServerStats {
  uint64_t accepted = 0;
  uint64_t connections = 0;  // gauge
  uint64_t streams = 0;      // gauge
  uint64_t requests = 0;
  uint64_t bytes_received = 0, bytes_sent = 0;  // as the application sees them, without TLS
  uint64_t refused_connections = 0;  // limits.connections
  uint64_t refused_streams = 0;      // limits.streams
  uint64_t refused_answers = 0;      // limits.unsent_answers_bytes
  uint64_t refused_headers = 0;      // 431
  uint64_t waiting_bodies = 0;       // 429: limits.bodies_bytes
  uint64_t refused_bodies = 0;       // 413
  uint64_t bad_requests = 0;         // 400
  uint64_t bad_certificates = 0;     // 401
  uint64_t failed_handshakes = 0;    // also those that took too long
  uint64_t slow_requests = 0;        // 408
  uint64_t slow_readers = 0;         // dropped: write_stall, unsent_bytes_max
  uint64_t idle_closed = 0;
  uint64_t gone = 0;  // clients that went away before their answer was complete
};

}  // namespace keelson::http
