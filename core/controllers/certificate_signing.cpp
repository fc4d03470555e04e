#include "core/controllers/certificate_signing.hpp"

#include <array>

#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::CertificateSigningRequest;
using api::Kind;

constexpr std::array kCertificateSigningReads{Kind::certificate_signing_requests};
constexpr Duration kRetry = 10s;

bool has_condition(const CertificateSigningRequest& request, std::string_view type) {
  for (const auto& condition : request.status().conditions()) {
    if (condition.type() == type && condition.status() == "True") return true;
  }
  return false;
}

bool waits_for_signature(const CertificateSigningRequest& request) {
  return request.status().certificate().empty() && has_condition(request, "Approved") &&
         !has_condition(request, "Denied") && !has_condition(request, "Failed");
}

}  // namespace

std::span<const Kind> CertificateSigningController::reads() const { return kCertificateSigningReads; }

void CertificateSigningController::keys_for(const View& /*view*/, const api::ObjectPtr& /*before*/,
                                            const api::ObjectPtr& after,
                                            const KeySink& sink) const {
  if (after && waits_for_signature(after->as<CertificateSigningRequest>())) sink(after->key());
}

Plan CertificateSigningController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto request = view.get<CertificateSigningRequest>({}, key.name);
  if (!request || request.object().deleting() || !waits_for_signature(*request) ||
      !signer_.signs_for(request->spec().signer_name())) {
    return plan;
  }
  CertificateSigningRequest now = *request;
  Result<std::string> certificate = signer_.sign(*request);
  if (certificate) {
    now.mutable_status()->set_certificate(std::move(*certificate));
  } else if (certificate.code() == Code::invalid) {
    auto& condition = *now.mutable_status()->add_conditions();
    condition.set_type("Failed");
    condition.set_status("True");
    condition.set_reason("SignerValidationFailure");
    condition.set_message(certificate.error().message);
  } else {
    plan.requeue_after = kRetry;
    return plan;
  }
  plan.then(api::update_status(changed(request, std::move(now))));
  return plan;
}

}  // namespace keelson::controllers
