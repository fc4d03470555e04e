// Signs requests for certificates that have been approved, for the cluster's own signers
// (kubernetes.io/...). Approving is not its business.
// Source: Kubernetes pkg/controller/certificates/signer.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "core/controllers/controller.hpp"

namespace keelson::controllers {

// Who has the key.
class CertificateSigner {
 public:
  virtual ~CertificateSigner() = default;
  // Whether requests to this signer are for it at all.
  virtual bool signs_for(const std::string& signer_name) const = 0;
  // The certificate as PEM. Code::invalid: the request breaks the signer's rules and will never be
  // signed; others: try again.
  virtual Result<std::string> sign(const api::CertificateSigningRequest& request) const = 0;
};

class CertificateSigningController final : public Controller {
 public:
  // The signer must outlive the controller.
  explicit CertificateSigningController(const CertificateSigner& signer) : signer_(signer) {}

  std::string_view name() const override { return "certificate-signing"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

 private:
  const CertificateSigner& signer_;
};

}  // namespace keelson::controllers
