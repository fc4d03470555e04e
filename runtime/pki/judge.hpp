// Which certificate requests are approved without an administrator.
// Source: Kubernetes pkg/controller/certificates/approver/sarapprove.go.
#pragma once

#include "core/auth/auth.hpp"
#include "core/controllers/certificate_approving.hpp"

namespace keelson::runtime {

// Client certificates of nodes: whoever may create certificatesigningrequests/nodeclient, and nodes for
// themselves (selfnodeclient). Nodes also get the one of system:kube-proxy, under which they make their
// network. Serving certificates: a node that asks for no more than its own host name
// and the addresses of its Node.
class NodeCertificateJudge final : public controllers::CertificateJudge {
 public:
  // `authorizer` must outlive this.
  explicit NodeCertificateJudge(const auth::Authorizer& authorizer) : authorizer_(authorizer) {}
  std::string approves(const api::CertificateSigningRequest& request,
                       const api::Node* node) const override;

 private:
  const auth::Authorizer& authorizer_;
};

}  // namespace keelson::runtime
