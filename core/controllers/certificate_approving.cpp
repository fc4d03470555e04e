#include "core/controllers/certificate_approving.hpp"

#include <array>

#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::CertificateSigningRequest;
using api::Kind;

constexpr std::array kReads{Kind::certificate_signing_requests, Kind::nodes};
// A node asks for its serving certificate about when it registers its Node, and not in that order.
constexpr Duration kAskAgain = 5s;

bool undecided(const CertificateSigningRequest& request) {
  for (const auto& condition : request.status().conditions()) {
    if (condition.type() == "Approved" || condition.type() == "Denied") return false;
  }
  return request.status().certificate().empty();
}

}  // namespace

std::span<const Kind> CertificateApprovingController::reads() const { return kReads; }

void CertificateApprovingController::keys_for(const View& /*view*/,
                                              const api::ObjectPtr& /*before*/,
                                              const api::ObjectPtr& after,
                                              const KeySink& sink) const {
  if (!after || after->kind() != Kind::certificate_signing_requests) return;
  if (undecided(after->as<CertificateSigningRequest>())) sink(after->key());
}

Plan CertificateApprovingController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto request = view.get<CertificateSigningRequest>({}, key.name);
  if (!request || request.object().deleting() || !undecided(*request)) return plan;
  constexpr std::string_view kNode = "system:node:";
  const std::string& user = request->spec().username();
  const auto node = user.starts_with(kNode)
                        ? view.get<api::Node>({}, user.substr(kNode.size()))
                        : api::Ref<api::Node>();
  const std::string why = judge_.approves(*request, node ? &*node : nullptr);
  if (why.empty()) {
    if (user.starts_with(kNode)) plan.requeue_after = kAskAgain;
    return plan;
  }
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
