// The HTTP/1.1 server: real sockets in front of a rest::Handler.
//
//   runtime::AsioLoop loop;
//   const http::PostToCore post = [&loop](http::Work work) {
//     loop.post_from_any_thread(std::move(work));
//   };
//   auto server = http::HttpServer::start(options, handler, post, log);
//   if (!server) ...;
//   loop.run();
//
// IO threads own the connections, speak HTTP, TLS and WebSocket, encode and compress. The handler and
// everything that it is given run on the core thread. See README.md for what happens at the limits.
#pragma once

#include <memory>
#include <string>

#include "core/base/log.hpp"
#include "core/base/result.hpp"
#include "core/rest/http.hpp"
#include "runtime/http/crossing.hpp"
#include "runtime/http/options.hpp"

namespace keelson::http {

class HttpServer {
 public:
  // Binds and begins to serve at once. `invalid`: the address, a certificate or the access log is of
  // no use; `unavailable`: the port is taken. The handler and the log must outlive the server; the log
  // is written to from several threads.
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, rest::Handler& handler,
                                                   PostToCore post_to_core, Log& log);
  // Drops what is still open, and joins the IO threads. Exchanges that the core still holds are dead
  // afterwards, but may be used; their on_gone() and on_closed() are still called by the core's loop.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  // "https://127.0.0.1:6443"; an address that means all of them is given as the loopback one.
  std::string url() const;

  // The orderly end: no new connections, idle ones are closed, streams are finished (their exchanges
  // are told that they are gone), running requests and upgraded connections may go on up to `bound`.
  // `done` is called on the core thread when nothing is left. Call it once, on the core thread.
  void drain(Duration bound, Callback<void()> done);

  // Loads the certificates again now. On an error the old ones stay.
  Status reload_certificates();

  ServerStats stats() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::http
