// The Kubernetes API over HTTP, without sockets: authenticates, authorizes, turns paths, queries and
// bodies into calls of the API server, and answers into bytes. README.md says where what is.
#pragma once

#include <memory>

#include "core/apiserver/api_server.hpp"
#include "core/auth/access.hpp"
#include "core/rest/http.hpp"
#include "core/rest/process_facts.hpp"

namespace keelson::rest {

class NodeStreams;
class UsageSource;

struct FrontOptions {
  // Requests that nobody authenticates are those of system:anonymous; refused if false.
  bool anonymous = true;
  std::size_t body_max = 3u << 20;  // as Kubernetes' limit for a request
  std::string advertised_address = "127.0.0.1:6443";  // what discovery calls the server
  UsageSource* usage = nullptr;  // null: there are no metrics; must outlive the front
  ProcessFacts process;          // asked at each request for them
};

class Front final : public Handler {
 public:
  // What is referred to must outlive the front. `access` null: there are no tokens, and everybody may
  // do everything. `streams` null: no logs, exec and the like.
  Front(apiserver::ApiServer& server, Loop& loop, Log& log, auth::AccessControl* access,
        NodeStreams* streams, FrontOptions options);
  ~Front();

  void handle(HttpRequest request, ExchangePtr exchange) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::rest
