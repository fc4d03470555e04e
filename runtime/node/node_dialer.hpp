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
  // For all that is dialed from here on, also by copies of this. Code::invalid: it is of no use, and the
  // one before stays.
  Status use_certificate(const std::string& client_cert_pem, const std::string& client_key_pem);
  const apiserver::WatchCache& nodes() const { return *nodes_; }

 private:
  NodeDialer(const apiserver::WatchCache& nodes, http::TlsContext tls, const DialerOptions& options)
      : nodes_(&nodes),
        tls_(std::make_shared<http::TlsContext>(std::move(tls))),
        ca_pem_(options.ca_pem),
        timeout_(options.timeout) {}

  const apiserver::WatchCache* nodes_;
  std::shared_ptr<http::TlsContext> tls_;  // shared by copies
  std::string ca_pem_;
  Duration timeout_;
};

}  // namespace keelson::node
