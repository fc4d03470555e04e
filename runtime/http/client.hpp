// A blocking HTTP/1.1 client, for the `keelson` command line: one connection, kept alive, over plain
// TCP or TLS.
//
//   http::ClientOptions options;
//   options.server = "https://10.0.0.1:6443";
//   options.ca_pem = ...;
//   http::Client client(options);
//   Result<http::Response> answer = client.send({.target = "/api/v1/pods"});
//
// Errors: `invalid` when the options make no sense (a malformed URL, an unusable certificate),
// `unavailable` when the request did not reach the server, `unknown` when it may have (no answer came,
// or not all of it), `denied` when the server's certificate is not trusted, `cancelled` when the
// caller's own callback stopped it. An answer of any HTTP status is a success here.
//
// Threading: a Client and its WebSockets belong to one thread at a time; separate Clients are
// independent. No call throws, and none raises SIGPIPE.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/rest/http.hpp"

namespace keelson::http {

using rest::Header;

struct ClientOptions {
  // "https://host[:port][/prefix]" or "http://...": the prefix goes before every target. The port is
  // 443 or 80 when it is not named; a v6 address stands in brackets.
  std::string server;

  // TLS. PEM texts, not file names. Without a CA the system's is used.
  std::string ca_pem;
  std::string client_cert_pem;  // with its chain, if any
  std::string client_key_pem;
  std::string tls_server_name;       // the name to verify instead of the URL's host
  bool insecure_skip_verify = false;  // accept any certificate

  std::string bearer_token;  // sent as Authorization over TLS only, as kubectl does; unless the request has one
  std::string user_agent = "keelson";

  Duration connect_timeout = std::chrono::seconds(10);  // TCP and TLS together
};

struct Request {
  std::string method = "GET";
  std::string target = "/";  // path and query
  std::vector<Header> headers;  // Host, lengths, User-Agent and Authorization are added
  std::string body;
  // The longest silence of the server that is accepted, before and within the answer. 0: forever.
  Duration timeout{0};
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  // The first header of that name, in any case; empty: none.
  std::string_view header(std::string_view name) const;
};

// A WebSocket after its handshake.
class WebSocket {
 public:
  enum class Wake { message, other, timeout };

  virtual ~WebSocket() = default;
  virtual const std::string& protocol() const = 0;  // the subprotocol that the server chose
  // Sends one binary message, blocking until the kernel has taken it.
  virtual Status send(std::string_view message) = 0;
  // The next message (binary or text); empty: the server has closed the connection properly. Blocks up
  // to `timeout` (0: forever), then `unavailable`. Pings are answered in here.
  virtual Result<std::optional<std::string>> receive(Duration timeout = Duration{0}) = 0;
  // Waits until receive() has something to do (also when that will be the end), until `other_fd` (-1:
  // none) is readable or at its end, or until `timeout` (0: forever) has passed. A signal that
  // interrupts the wait counts as a timeout, so that the caller can look at its flags.
  virtual Wake wait(int other_fd, Duration timeout = Duration{0}) = 0;
  // Sends the close frame (code 1000); receive() still delivers what the server sends before its own.
  virtual Status close() = 0;
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Sends a request and reads the whole answer.
  Result<Response> send(const Request& request);

  // Sends a request and hands the answer over as it arrives (watches, logs): first the head, with an
  // empty body, then the body in pieces of whatever size. A callback that returns false stops the
  // stream: `cancelled`. Returns the status.
  using OnHead = std::function<bool(const Response& head)>;
  using OnData = std::function<bool(std::string_view data)>;
  Result<int> stream(const Request& request, const OnHead& on_head, const OnData& on_data);

  // Upgrades to WebSocket, offering `protocols` in order of preference. The socket has a connection
  // of its own and may outlive the client. When the server refuses, `socket` is null and `refusal`
  // is its answer.
  struct WebSocketAnswer {
    std::unique_ptr<WebSocket> socket;
    Response refusal;
  };
  Result<WebSocketAnswer> websocket(const Request& request,
                                    const std::vector<std::string>& protocols);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::http
