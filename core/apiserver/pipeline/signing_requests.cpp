// What is special about CertificateSigningRequests.
// Source: Kubernetes pkg/registry/certificates/certificates/strategy.go.
#include "core/api/json.hpp"
#include "core/apiserver/pipeline/registry.hpp"

namespace keelson::apiserver {

namespace {

using api::CertificateSigningRequest;
using Condition = api::certificates::v1::CertificateSigningRequestCondition;
using SigningStatus = api::certificates::v1::CertificateSigningRequestStatus;

bool verdict(const Condition& condition) {
  return condition.type() == "Approved" || condition.type() == "Denied";
}

const Condition* find(const SigningStatus& status, const std::string& type) {
  for (const Condition& condition : status.conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

// Verdicts from one, everything else from the other, without changing the order of either.
void merge_conditions(SigningStatus& into, const SigningStatus& verdicts,
                      const SigningStatus& others) {
  into.clear_conditions();
  for (const Condition& condition : verdicts.conditions()) {
    if (verdict(condition)) *into.add_conditions() = condition;
  }
  for (const Condition& condition : others.conditions()) {
    if (!verdict(condition)) *into.add_conditions() = condition;
  }
}

void fill_times(SigningStatus& status, const SigningStatus& before, WallTime now) {
  for (Condition& condition : *status.mutable_conditions()) {
    const Condition* old = find(before, condition.type());
    if (!condition.has_last_update_time()) {
      *condition.mutable_last_update_time() = api::to_time(now);
    }
    if (condition.has_last_transition_time()) continue;
    const bool kept = old && old->status() == condition.status() && old->has_last_transition_time();
    *condition.mutable_last_transition_time() =
        kept ? old->last_transition_time() : api::to_time(now);
  }
}

}  // namespace

void stamp_caller(const Request& request, CertificateSigningRequest& message) {
  auto& spec = *message.mutable_spec();
  spec.clear_uid();
  spec.clear_groups();
  spec.clear_extra();
  spec.set_username(request.user);
  if (!request.caller) return;
  const api::UserInfo& caller = *request.caller;
  spec.set_username(caller.name);
  spec.set_uid(caller.uid);
  for (const std::string& group : caller.groups) spec.add_groups(group);
  for (const auto& [key, values] : caller.extra) {
    auto& items = (*spec.mutable_extra())[key];
    for (const std::string& value : values) items.add_items(value);
  }
}

std::unique_ptr<Message> with_signing_status(const Message& before, const Message& source,
                                             bool approval, WallTime now) {
  const auto& old = static_cast<const CertificateSigningRequest&>(before);
  const auto& sent = static_cast<const CertificateSigningRequest&>(source);
  auto message = std::make_unique<CertificateSigningRequest>(old);
  SigningStatus& status = *message->mutable_status();
  if (approval) {
    *status.mutable_conditions() = sent.status().conditions();
  } else {
    status.set_certificate(sent.status().certificate());
    merge_conditions(status, old.status(), sent.status());
  }
  fill_times(status, old.status(), now);
  return message;
}

}  // namespace keelson::apiserver
