// The HTTP client of daemons: many requests at a time, on the core thread, nothing blocks. Connections
// are kept and used again.
//
// Where several servers are named, one that cannot be reached, or answers 503, is followed by the next (the
// answer is the caller's all the same). One that has been
// silent for a while, on whatever it still has to answer, is asked for /livez; without an answer to that,
// everything that waits for it ends (`unknown`) within `silence_max` and twice `probe_patience`.
//
// Errors: `unavailable`: nothing was sent (no connection; `denied`: the certificate is not trusted), so
// nothing happened. `unknown`: it was sent, and the answer did not come or not to its end. An answer of
// any HTTP status is a success here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/callback.hpp"
#include "runtime/http/client.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::http {

struct AsyncClientOptions {
  std::vector<std::string> servers;  // as ClientOptions::server; at least one
  std::string ca_pem, client_cert_pem, client_key_pem;
  std::string tls_server_name;  // the name to verify instead of the URL's host
  bool insecure_skip_verify = false;
  std::string bearer_token;
  std::string user_agent = "keelson";
  Duration connect_timeout = std::chrono::seconds(5);  // TCP and TLS together
  Duration silence_max = std::chrono::seconds(8);
  Duration probe_patience = std::chrono::seconds(3);
  Duration keep_idle = std::chrono::seconds(60);
  std::size_t idle_max = 4;
};

// Who receives one answer. Nothing is called from inside start(), nor after the call's handle is gone.
class AnswerUser {
 public:
  virtual void on_head(const Response& head) = 0;
  virtual void on_data(std::string_view data) = 0;
  virtual void on_end(Status how) = 0;

 protected:
  ~AnswerUser() = default;
};

// A request under way; destroying it gives it up, also from inside its user's functions.
class AsyncCall {
 public:
  virtual ~AsyncCall() = default;
};

class AsyncClient {
 public:
  // Code::invalid: a URL or a PEM text is of no use.
  static Result<std::unique_ptr<AsyncClient>> create(runtime::AsioLoop& loop,
                                                     AsyncClientOptions options);
  // Calls that are under way end without a word.
  ~AsyncClient();

  // `request.timeout`: the longest silence that is accepted, 0: for ever.
  std::unique_ptr<AsyncCall> start(Request request, AnswerUser& user);
  // The whole answer at once.
  void send(Request request, Done<Response> done);

  // From now on new connections show this certificate (it was renewed). Code::invalid: it is of no use,
  // and the old one stays.
  Status use_certificate(const std::string& cert_pem, const std::string& key_pem);
  // Idle connections are closed and new ones are made in the order of these.
  Status use_servers(const std::vector<std::string>& servers);

 private:
  struct Impl;
  explicit AsyncClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace keelson::http
