#include "core/auth/reviews.hpp"

#include <algorithm>

#include "core/api/canonical.hpp"
#include "core/api/validate/errors.hpp"
#include "core/auth/names.hpp"

namespace keelson::auth {

namespace {

using api::ApiError;
using api::Errors;
using api::Path;
using api::authorization::v1::FieldSelectorAttributes;
using api::authorization::v1::NonResourceAttributes;
using api::authorization::v1::ResourceAttributes;
using api::authorization::v1::SubjectAccessReviewSpec;
using api::authorization::v1::SubjectAccessReviewStatus;

constexpr const char* kAuthorization = "authorization.k8s.io";

// --- What may be asked ---------------------------------------------------------------------------

void check_selectors(Errors& errors, const ResourceAttributes& attributes) {
  const Path path("spec.resourceAttributes");
  constexpr std::string_view both = "may not specified at the same time as requirements";
  constexpr std::string_view neither =
      "when fieldSelector is specified, requirements or "
      "rawSelector is required";
  const auto check = [&](const char* name, const std::string& raw, int requirements) {
    const Path place = path.child(name);
    if (!raw.empty() && requirements > 0) errors.invalid(place.child("rawSelector"), raw, both);
    if (raw.empty() && requirements == 0) errors.required(place.child("requirements"), neither);
  };
  if (attributes.has_field_selector()) {
    const auto& selector = attributes.field_selector();
    check("fieldSelector", selector.raw_selector(), selector.requirements_size());
  }
  if (attributes.has_label_selector()) {
    const auto& selector = attributes.label_selector();
    check("labelSelector", selector.raw_selector(), selector.requirements_size());
  }
}

template <class Spec>
void check_one_request(Errors& errors, const Spec& spec) {
  if (spec.has_resource_attributes() && spec.has_non_resource_attributes()) {
    errors.invalid_shown(Path("spec.nonResourceAttributes"),
                         api::go_value(spec.non_resource_attributes()),
                         "cannot be specified in combination with resourceAttributes");
  }
  if (!spec.has_resource_attributes() && !spec.has_non_resource_attributes()) {
    errors.invalid_shown(
        Path("spec.resourceAttributes"), "\"null\"",
        "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
}

template <class Spec>
void check_attributes(Errors& errors, const Spec& spec) {
  if (spec.has_resource_attributes()) check_selectors(errors, spec.resource_attributes());
}

void check_spec(Errors& errors, const SubjectAccessReviewSpec& spec) {
  check_one_request(errors, spec);
  if (spec.user().empty() && spec.groups().empty()) {
    errors.invalid(Path("spec.user"), spec.user(),
                   "at least one of user or group must be specified");
  }
  check_attributes(errors, spec);
}

// A question has no name. What a server fills in does not count.
void check_no_metadata(Errors& errors, const api::ObjectMeta& meta, bool may_have_namespace) {
  api::ObjectMeta bare = meta;
  bare.clear_managed_fields();
  if (may_have_namespace) bare.clear_namespace_();
  if (bare.ByteSizeLong() == 0) return;
  errors.invalid_shown(Path("metadata"), api::go_value(meta),
                       may_have_namespace ? "must be empty except for namespace" : "must be empty");
}

// --- The question as attributes ------------------------------------------------------------------

// Selectors restrict what is asked for; only such as demand one value help anybody to decide.
std::string field_selector(const FieldSelectorAttributes& selector) {
  if (!selector.raw_selector().empty()) return selector.raw_selector();
  std::string text;
  for (const auto& term : selector.requirements()) {
    if (term.operator_() != "In" || term.values_size() != 1) continue;
    if (!text.empty()) text += ',';
    text += term.key() + "=";
    for (const char c : term.values(0)) {
      if (c == '\\' || c == ',' || c == '=') text += '\\';
      text += c;
    }
  }
  return text;
}

template <class Spec>
Attributes attributes_of(UserInfo user, const Spec& spec) {
  Attributes attributes;
  attributes.user = std::move(user);
  if (!spec.has_resource_attributes()) {
    const NonResourceAttributes& asked = spec.non_resource_attributes();
    attributes.verb = asked.verb();
    attributes.path = asked.path();
    return attributes;
  }
  const ResourceAttributes& asked = spec.resource_attributes();
  attributes.resource_request = true;
  attributes.verb = asked.verb();
  attributes.group = asked.group();
  attributes.version = asked.version();
  attributes.resource = asked.resource();
  attributes.subresource = asked.subresource();
  attributes.ns = asked.namespace_();
  attributes.name = asked.name();
  attributes.field_selector = field_selector(asked.field_selector());
  return attributes;
}

UserInfo user_of(const SubjectAccessReviewSpec& spec) {
  UserInfo user;
  user.name = spec.user();
  user.uid = spec.uid();
  user.groups.assign(spec.groups().begin(), spec.groups().end());
  for (const auto& [key, values] : spec.extra()) {
    user.extra[key].assign(values.items().begin(), values.items().end());
  }
  return user;
}

void judge(const Authorizer& authorizer, const Attributes& attributes,
           SubjectAccessReviewStatus& status) {
  Verdict verdict = authorizer.authorize(attributes);
  status.Clear();
  status.set_allowed(verdict.decision == Decision::allow);
  status.set_denied(verdict.decision == Decision::deny);
  status.set_reason(std::move(verdict.reason));
}

template <class M>
Answer<M> failed(ApiError error) {
  Answer<M> answer;
  answer.error = std::move(error);
  return answer;
}

void to_message(const UserInfo& user, api::authentication::v1::UserInfo& message) {
  message.set_username(user.name);
  message.set_uid(user.uid);
  for (const std::string& group : user.groups) message.add_groups(group);
  for (const auto& [key, values] : user.extra) {
    auto& items = (*message.mutable_extra())[key];
    for (const std::string& value : values) items.add_items(value);
  }
}

}  // namespace

Answer<api::SubjectAccessReview> review(const Authorizer& authorizer,
                                        api::SubjectAccessReview review) {
  Errors errors;
  check_spec(errors, review.spec());
  check_no_metadata(errors, review.metadata(), false);
  if (ApiError error = std::move(errors).finish("SubjectAccessReview", kAuthorization, "")) {
    return failed<api::SubjectAccessReview>(std::move(error));
  }
  judge(authorizer, attributes_of(user_of(review.spec()), review.spec()), *review.mutable_status());
  return {{}, std::move(review)};
}

Answer<api::SelfSubjectAccessReview> review(const Authorizer& authorizer, const UserInfo& caller,
                                            api::SelfSubjectAccessReview review) {
  Errors errors;
  check_one_request(errors, review.spec());
  check_attributes(errors, review.spec());
  check_no_metadata(errors, review.metadata(), false);
  if (ApiError error = std::move(errors).finish("SelfSubjectAccessReview", kAuthorization, "")) {
    return failed<api::SelfSubjectAccessReview>(std::move(error));
  }
  judge(authorizer, attributes_of(caller, review.spec()), *review.mutable_status());
  return {{}, std::move(review)};
}

Answer<api::LocalSubjectAccessReview> review(const Authorizer& authorizer, const std::string& ns,
                                             api::LocalSubjectAccessReview review) {
  using M = api::LocalSubjectAccessReview;
  Errors errors;
  check_spec(errors, review.spec());
  check_no_metadata(errors, review.metadata(), true);
  const std::string& asked = review.spec().resource_attributes().namespace_();
  if (review.spec().has_resource_attributes() && asked != review.metadata().namespace_() &&
      !review.metadata().namespace_().empty()) {
    errors.invalid(Path("spec.resourceAttributes.namespace"), asked,
                   "must match metadata.namespace");
  }
  if (review.spec().has_non_resource_attributes()) {
    errors.invalid_shown(Path("spec.nonResourceAttributes"),
                         api::go_value(review.spec().non_resource_attributes()),
                         "disallowed on this kind of request");
  }
  if (ApiError error = std::move(errors).finish("LocalSubjectAccessReview", kAuthorization, "")) {
    return failed<M>(std::move(error));
  }
  if (asked != ns) {
    return failed<M>(
        api::bad_request("spec.resourceAttributes.namespace must match namespace: " + ns));
  }
  judge(authorizer, attributes_of(user_of(review.spec()), review.spec()), *review.mutable_status());
  return {{}, std::move(review)};
}

Answer<api::SelfSubjectRulesReview> review(const RbacAuthorizer& rbac, const UserInfo& caller,
                                           api::SelfSubjectRulesReview review) {
  using M = api::SelfSubjectRulesReview;
  if (review.spec().namespace_().empty()) {
    return failed<M>(api::bad_request("no namespace on request"));
  }
  const RbacAuthorizer::Granted granted = rbac.rules_for(caller, review.spec().namespace_());
  auto& status = *review.mutable_status();
  status.Clear();
  for (const PolicyRule* rule : granted.rules) {
    if (!rule->resources().empty()) {
      auto& out = *status.add_resource_rules();
      *out.mutable_verbs() = rule->verbs();
      *out.mutable_api_groups() = rule->api_groups();
      *out.mutable_resources() = rule->resources();
      *out.mutable_resource_names() = rule->resource_names();
    }
    if (!rule->non_resource_urls().empty()) {
      auto& out = *status.add_non_resource_rules();
      *out.mutable_verbs() = rule->verbs();
      *out.mutable_non_resource_urls() = rule->non_resource_urls();
    }
  }
  std::vector<std::string> errors = granted.errors;
  if (node_of(caller)) {
    errors.emplace_back("node authorizer does not support user rule resolution");
  }
  for (const std::string& error : errors) {
    if (!status.evaluation_error().empty()) status.mutable_evaluation_error()->append(", ");
    status.mutable_evaluation_error()->append(error);
  }
  status.set_incomplete(!errors.empty());
  return {{}, std::move(review)};
}

Answer<api::SelfSubjectReview> review(const UserInfo& caller, api::SelfSubjectReview review) {
  review.clear_status();
  to_message(caller, *review.mutable_status()->mutable_user_info());
  return {{}, std::move(review)};
}

Answer<api::TokenReview> review(const Authenticator& authenticator,
                                const ServiceAccountTokens* tokens, api::TokenReview review) {
  if (review.spec().token().empty()) {
    return failed<api::TokenReview>(
        api::bad_request("token is required for TokenReview in authentication"));
  }
  auto& status = *review.mutable_status();
  status.Clear();
  const std::string& token = review.spec().token();
  const std::vector<std::string> wanted(review.spec().audiences().begin(),
                                        review.spec().audiences().end());
  std::optional<UserInfo> user;
  std::vector<std::string> audiences;
  std::string error;
  if (tokens) {
    ServiceAccountTokens::Verified verified = tokens->verify(token, wanted);
    user = std::move(verified.user);
    audiences = std::move(verified.audiences);
    error = std::move(verified.error);
    if (user) user->groups.emplace_back(kAuthenticated);
  }
  if (!user && error.empty()) {
    // Tokens that name no audience are meant for the API server.
    if (tokens) audiences = tokens->audiences();
    if (!wanted.empty()) {
      std::erase_if(audiences, [&](const std::string& one) {
        return std::find(wanted.begin(), wanted.end(), one) == wanted.end();
      });
    }
    if (wanted.empty() || !audiences.empty()) user = authenticator.authenticate(token);
    if (!user) error = "invalid bearer token";
  }
  if (!user) {
    status.set_error("[invalid bearer token, " + error + "]");
    if (error == "invalid bearer token") status.set_error(error);
    return {{}, std::move(review)};
  }
  status.set_authenticated(true);
  to_message(*user, *status.mutable_user());
  for (const std::string& audience : audiences) status.add_audiences(audience);
  return {{}, std::move(review)};
}

}  // namespace keelson::auth
