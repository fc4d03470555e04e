// The Kubernetes API over HTTP, without sockets: authenticates, authorizes, turns paths, queries and
// bodies into calls of the API server, and answers into bytes. README.md says where what is.
#pragma once

#include <memory>

#include "core/apiserver/api_server.hpp"
#include "core/rest/http.hpp"

namespace keelson::rest {

class NodeStreams;

struct FrontOptions {
  // Requests that nobody authenticates are those of system:anonymous; refused if false.
  bool anonymous = true;
  std::size_t body_max = 3u << 20;  // as Kubernetes' limit for a request
  std::string advertised_address = "127.0.0.1:6443";  // what discovery calls the server
};

class Front final : public Handler {
 public:
  // What is referred to must outlive the front. `authenticator` may be null (certificates only),
  // `authorizer` null allows everything, `streams` null refuses logs, exec and the like.
  Front(apiserver::ApiServer& server, Loop& loop, Log& log, const auth::Authenticator* authenticator,
        const auth::Authorizer* authorizer, NodeStreams* streams, FrontOptions options);
  ~Front();

  void handle(HttpRequest request, ExchangePtr exchange) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::rest
