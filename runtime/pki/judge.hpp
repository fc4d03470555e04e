// Which certificate requests are approved without an administrator.
// Source: Kubernetes pkg/controller/certificates/approver/sarapprove.go.
#pragma once

#include "core/auth/auth.hpp"
#include "core/controllers/certificate_approving.hpp"

namespace keelson::runtime {

// Client certificates of nodes: whoever may create certificatesigningrequests/nodeclient, and nodes for
// themselves (selfnodeclient). Nodes also get the one of system:kube-proxy, under which they make their
// network. Serving certificates: for the one name that nobody else has, serving_name(). What a node says of
// itself in its Node, its addresses above all, is not believed: it could be those of an API server.
//
// serving_name(): by which nothing is reached; API servers know their nodes' certificates by the subject.
inline std::string serving_name(const std::string& node) { return node + ".node.keelson.internal"; }

class NodeCertificateJudge final : public controllers::CertificateJudge {
 public:
  // `authorizer` must outlive this.
  explicit NodeCertificateJudge(const auth::Authorizer& authorizer) : authorizer_(authorizer) {}
  std::string approves(const api::CertificateSigningRequest& request) const override;

 private:
  const auth::Authorizer& authorizer_;
};

}  // namespace keelson::runtime
