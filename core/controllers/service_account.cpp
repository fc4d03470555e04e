#include "core/controllers/service_account.hpp"

#include <array>

namespace keelson::controllers {

namespace {

using api::Kind;

constexpr std::array kServiceAccountReads{Kind::namespaces, Kind::service_accounts};
constexpr const char* kDefault = "default";

}  // namespace

std::span<const Kind> ServiceAccountController::reads() const {
  return kServiceAccountReads;
}

void ServiceAccountController::keys_for(const View& /*view*/, const api::ObjectPtr& before,
                                        const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& object = after ? *after : *before;
  if (object.kind() == Kind::namespaces) {
    if (after) sink(object.key());
  } else if (!after && object.name() == kDefault) {
    sink({Kind::namespaces, {}, object.ns()});
  }
}

Plan ServiceAccountController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto ns = view.get<api::Namespace>({}, key.name);
  if (!ns || ns.object().deleting() || ns->status().phase() == "Terminating") return plan;
  if (view.get<api::ServiceAccount>(key.name, kDefault)) return plan;
  api::ServiceAccount account;
  account.mutable_metadata()->set_name(kDefault);
  account.mutable_metadata()->set_namespace_(key.name);
  plan.then(api::create(api::make_object(std::move(account))));
  return plan;
}

}  // namespace keelson::controllers
