#include "core/rest/reviews.hpp"

#include "core/auth/reviews.hpp"
#include "core/auth/service_account_tokens.hpp"

namespace keelson::rest {

namespace {

template <class M>
Reviews::Outcome outcome(auth::Answer<M> answer) {
  return {std::move(answer.error), std::make_shared<const M>(std::move(answer.message))};
}

// The question, if it is one of this kind.
template <class M>
const M* as(const api::Message& asked) {
  return asked.GetDescriptor() == M::descriptor() ? static_cast<const M*>(&asked) : nullptr;
}

class EverybodyMay final : public auth::Authorizer {
 public:
  auth::Verdict authorize(const auth::Attributes&) const override {
    return {auth::Decision::allow, ""};
  }
};

}  // namespace

Reviews::Outcome Reviews::answer(const Call& call, const api::Message& asked) {
  static const EverybodyMay everybody;
  const auth::Authorizer& authorizer = access_ ? access_->authorizer() : everybody;
  if (const auto* review = as<api::SelfSubjectAccessReview>(asked)) {
    return outcome(auth::review(authorizer, call.user, *review));
  }
  if (const auto* review = as<api::SubjectAccessReview>(asked)) {
    return outcome(auth::review(authorizer, *review));
  }
  if (const auto* review = as<api::LocalSubjectAccessReview>(asked)) {
    return outcome(auth::review(authorizer, call.path.ns, *review));
  }
  if (const auto* review = as<api::SelfSubjectReview>(asked)) {
    return outcome(auth::review(call.user, *review));
  }
  if (!access_) return {api::service_unavailable("access is not controlled here"), nullptr};
  if (const auto* review = as<api::SelfSubjectRulesReview>(asked)) {
    return outcome(auth::review(access_->rbac(), call.user, *review));
  }
  if (const auto* review = as<api::TokenReview>(asked)) {
    return outcome(auth::review(access_->authenticator(), &access_->tokens(), *review));
  }
  if (const auto* request = as<api::TokenRequest>(asked)) {
    return outcome(access_->tokens().issue(call.user, call.path.ns, call.path.name, *request));
  }
  return {api::internal_error("no such review"), nullptr};
}

}  // namespace keelson::rest
