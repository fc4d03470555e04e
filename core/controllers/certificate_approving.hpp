// Approves the certificate requests of nodes, so that a machine with a valid token becomes a node
// without an administrator at hand: its first client certificate, the renewal by the node itself, and
// its serving certificate. Everything else waits for somebody.
// Source: Kubernetes pkg/controller/certificates/approver; serving certificates, which Kubernetes leaves to
// administrators, are approved for a name of the node's that means nothing to anybody else.
#pragma once

#include <string>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

// Who can read requests and knows what their makers may do.
class CertificateJudge {
 public:
  virtual ~CertificateJudge() = default;
  // Why the request is approved, in a sentence; empty: it is not for us to approve.
  virtual std::string approves(const api::CertificateSigningRequest& request) const = 0;
};

class CertificateApprovingController final : public Controller {
 public:
  // The judge must outlive the controller.
  explicit CertificateApprovingController(const CertificateJudge& judge) : judge_(judge) {}

  std::string_view name() const override { return "certificate-approving"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

 private:
  const CertificateJudge& judge_;
};

}  // namespace keelson::controllers
