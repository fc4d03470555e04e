// How an API server reaches the agents of its nodes: where each listens, and the certificates of
// both ends. A node is known by its certificate: signed by the cluster's CA for serving, in the
// name system:node:NAME, whatever its address.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/apiserver/watch_cache.hpp"
#include "core/base/result.hpp"
#include "runtime/http/tls.hpp"
#include "runtime/node/socket.hpp"

namespace keelson::node {

struct DialerOptions {
  std::string ca_pem;           // the cluster's
  std::string client_cert_pem;  // the API server's own, by which nodes know it
  std::string client_key_pem;
  Duration timeout = 10s;  // TCP and TLS together
};

class NodeDialer {
 public:
  // `nodes` must outlive it. Code::invalid: a certificate or the key is of no use.
  static Result<NodeDialer> make(const apiserver::WatchCache& nodes, const DialerOptions& options);

  // Code::not_found: there is no such node. unavailable: it has not said where it listens.
  Result<Dial> dial(std::string_view node) const;
  const apiserver::WatchCache& nodes() const { return *nodes_; }

 private:
  NodeDialer(const apiserver::WatchCache& nodes, http::TlsContext tls, Duration timeout)
      : nodes_(&nodes), tls_(std::move(tls)), timeout_(timeout) {}

  const apiserver::WatchCache* nodes_;
  http::TlsContext tls_;
  Duration timeout_;
};

}  // namespace keelson::node
