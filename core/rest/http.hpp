// HTTP without sockets: what a server has read of a request, and the ways to answer it. `runtime` reads
// and writes the bytes, this folder decides what they say; tests and the simulator hand in requests
// directly.
//
// Threading: everything here is called on the core thread. A server that does its IO on other threads
// brings requests to it and takes answers away from it; a Body may be made on any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/auth/auth.hpp"
#include "core/base/callback.hpp"

namespace keelson::rest {

struct Header {
  std::string name;
  std::string value;
};

// Who is at the other end, as far as the connection itself proves it.
struct Peer {
  std::string address;  // "127.0.0.1:50314"
  bool secure = false;  // TLS
  // From a verified client certificate (CN is the user, each O a group), or from whoever has
  // authenticated the request before (a recording).
  std::optional<auth::UserInfo> user;
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // path and query as on the request line: "/api/v1/pods?limit=500"
  std::vector<Header> headers;
  std::string body;
  Peer peer;
  std::string id;  // names the request in logs; the server's X-Request-Id or the client's

  // The first header of that name, in any case; empty: none.
  std::string_view header(std::string_view name) const;
};

using Bytes = std::shared_ptr<const std::string>;

// Ready, shared, or still to be encoded (once, on a thread of the server's choice: the function owns or
// shares all that it needs).
using Body = std::variant<std::string, Bytes, std::function<std::string()>>;

struct HttpResponse {
  int status = 200;
  std::vector<Header> headers;  // Content-Type and others; lengths and connection headers are the server's
  Body body;
  // Making the body takes milliseconds: not on a thread for whose turn others wait.
  bool laborious = false;
};

// A connection that has left HTTP, as it is written: bytes (SPDY), or binary WebSocket messages.
class Pipe {
 public:
  virtual void send(std::string data) = 0;  // one message, where there are messages
  // Ends the connection when all that was sent has gone: with WebSocket's code 1000, or TCP's FIN.
  virtual void close() = 0;
  // So much is waiting to be sent that the writer should pause until PipeUser::on_writable().
  virtual bool blocked() const = 0;
  // Stops and resumes reading, to slow a fast sender down.
  virtual void pause_reading(bool paused) = 0;

 protected:
  ~Pipe() = default;
};

// The same as it is read.
class PipeUser {
 public:
  virtual ~PipeUser() = default;
  virtual void on_open(Pipe& pipe) = 0;  // valid until on_closed() returns
  virtual void on_data(std::string_view data) = 0;  // bytes as they come, or one whole message
  virtual void on_writable() = 0;
  virtual void on_closed() = 0;  // by either side, or the connection broke
};

struct Upgrade {
  bool websocket = false;  // else raw bytes after a 101
  std::string protocol;    // of WebSocket: the chosen subprotocol (may be empty); else the Upgrade header
  std::vector<Header> headers;  // added to the 101
  bool text = false;  // of WebSocket: what is sent is text (the base64 protocols), not binary
};

// One request's answer in the making. Exactly one of respond(), begin() and upgrade() is called.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Who is asking, as soon as that is known, and as whom, if as somebody else: for logs. Not called
  // for requests that nobody could be made responsible for.
  virtual void name_user(const auth::UserInfo& /*user*/, const auth::UserInfo* /*acting_as*/) {}

  virtual void respond(HttpResponse response) = 0;

  // A stream: head first, then pieces as they come (chunked), until finish(). A client that does not
  // read makes blocked() true; one that stays so too long is dropped by the server.
  virtual void begin(int status, std::vector<Header> headers) = 0;
  virtual void write(std::vector<Bytes> pieces) = 0;
  virtual void finish() = 0;
  virtual bool blocked() const = 0;
  virtual void on_drained(Callback<void()> drained) = 0;  // each time blocked() becomes false

  virtual void upgrade(Upgrade upgrade, std::shared_ptr<PipeUser> user) = 0;

  // The client went away, or was dropped, before the end: called at most once, and not after the end.
  // The exchange may not be used any more then.
  virtual void on_gone(Callback<void()> gone) = 0;
};
using ExchangePtr = std::shared_ptr<Exchange>;

class Handler {
 public:
  virtual void handle(HttpRequest request, ExchangePtr exchange) = 0;

 protected:
  ~Handler() = default;
};

}  // namespace keelson::rest
