#include "core/controllers/certificate_approving.hpp"

#include <array>

#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::CertificateSigningRequest;
using api::Kind;

constexpr std::array kCertificateApprovingReads{Kind::certificate_signing_requests};

bool undecided(const CertificateSigningRequest& request) {
  for (const auto& condition : request.status().conditions()) {
    if (condition.type() == "Approved" || condition.type() == "Denied") return false;
  }
  return request.status().certificate().empty();
}

}  // namespace

std::span<const Kind> CertificateApprovingController::reads() const { return kCertificateApprovingReads; }

void CertificateApprovingController::keys_for(const View& /*view*/,
                                              const api::ObjectPtr& /*before*/,
                                              const api::ObjectPtr& after,
                                              const KeySink& sink) const {
  if (after && undecided(after->as<CertificateSigningRequest>())) sink(after->key());
}

Plan CertificateApprovingController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto request = view.get<CertificateSigningRequest>({}, key.name);
  if (!request || request.object().deleting() || !undecided(*request)) return plan;
  const std::string why = judge_.approves(*request);
  if (why.empty()) return plan;
  CertificateSigningRequest now = *request;
  auto& condition = *now.mutable_status()->add_conditions();
  condition.set_type("Approved");
  condition.set_status("True");
  condition.set_reason("AutoApproved");
  condition.set_message(why);
  api::Request write = api::update(changed(request, std::move(now)));
  write.subresource = api::Subresource::approval;
  plan.then(std::move(write));
  return plan;
}

}  // namespace keelson::controllers
