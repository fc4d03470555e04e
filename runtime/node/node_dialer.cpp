#include "runtime/node/node_dialer.hpp"

namespace keelson::node {

namespace {
constexpr uint16_t kAgentPort = 10250;
}

Result<NodeDialer> NodeDialer::make(const apiserver::WatchCache& nodes,
                                    const DialerOptions& options) {
  if (options.ca_pem.empty())
    return Error{Code::invalid, "the cluster's CA certificate is missing"};
  Result<http::TlsContext> tls =
      http::make_client_context({.ca_pem = options.ca_pem,
                                 .client_cert_pem = options.client_cert_pem,
                                 .client_key_pem = options.client_key_pem});
  if (!tls) return tls.error();
  return NodeDialer(nodes, std::move(*tls), options);
}

Status NodeDialer::use_certificate(const std::string& client_cert_pem,
                                   const std::string& client_key_pem) {
  Result<http::TlsContext> tls = http::make_client_context(
      {.ca_pem = ca_pem_, .client_cert_pem = client_cert_pem, .client_key_pem = client_key_pem});
  if (!tls) return tls.error();
  *tls_ = std::move(*tls);
  return {};
}

Result<Dial> NodeDialer::dial(std::string_view name) const {
  const api::ObjectPtr found = nodes_->find(api::Kind::nodes, "", name);
  if (!found) {
    return Error{Code::not_found, "dial tcp: lookup " + std::string(name) + ": no such host"};
  }
  const api::NodeStatus& status = found->as<api::Node>().status();
  for (const api::NodeAddress& address : status.addresses()) {
    if (address.type() != "InternalIP" || address.address().empty()) continue;
    Dial dial;
    dial.address = address.address();
    const int32_t port = status.daemon_endpoints().kubelet_endpoint().port();
    dial.port = port > 0 && port <= UINT16_MAX ? static_cast<uint16_t>(port) : kAgentPort;
    dial.tls = *tls_;
    dial.common_name = "system:node:" + std::string(name);
    dial.timeout = timeout_;
    return dial;
  }
  return Error{Code::unavailable, "node " + std::string(name) + " has no InternalIP address yet"};
}

}  // namespace keelson::node
