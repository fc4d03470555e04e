// The cluster's own signers of certificate requests: which requests they accept, and the signing.
// Source: Kubernetes pkg/apis/certificates/helpers.go and
// https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests.
#pragma once

#include "core/controllers/certificate_signing.hpp"
#include "runtime/pki/certificate.hpp"

namespace keelson::runtime {

// kubernetes.io/kube-apiserver-client: client certificates of anybody.
// kubernetes.io/kube-apiserver-client-kubelet: client certificates of nodes.
// kubernetes.io/kubelet-serving: server certificates of nodes.
class ClusterSigner final : public controllers::CertificateSigner {
 public:
  explicit ClusterSigner(CertificateAuthority authority) : authority_(std::move(authority)) {}

  bool signs_for(const std::string& signer_name) const override;
  Result<std::string> sign(const api::CertificateSigningRequest& request) const override;

 private:
  CertificateAuthority authority_;
};

}  // namespace keelson::runtime
