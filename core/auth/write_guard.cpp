#include "core/auth/write_guard.hpp"

#include <algorithm>

#include "core/auth/escalation.hpp"
#include "core/auth/names.hpp"
#include "core/auth/node_restriction.hpp"

namespace keelson::auth {

namespace {

using api::ApiError;
using api::CertificateSigningRequest;
using api::Kind;
using api::Subresource;

// By the signer's name, or by its domain: "example.com/*".
bool may_act_on_signer(const Authorizer& authorizer, const UserInfo& user, const char* verb,
                       const std::string& signer) {
  Attributes attributes;
  attributes.user = user;
  attributes.verb = verb;
  attributes.resource_request = true;
  attributes.group = "certificates.k8s.io";
  attributes.version = "*";
  attributes.resource = "signers";
  attributes.name = signer;
  if (authorizer.authorize(attributes).decision == Decision::allow) return true;
  attributes.name = signer.substr(0, signer.find('/')) + "/*";
  return authorizer.authorize(attributes).decision == Decision::allow;
}

}  // namespace

ApiError WriteGuard::check(const api::Request& request, const api::Object* before,
                           const api::Message* after) const {
  if (!request.caller) return {};
  const UserInfo& user = *request.caller;
  if (ApiError error = check_node_write(user, cache_, request, before, after)) return error;
  if (!after) return {};
  switch (request.kind) {
    case Kind::roles:
    case Kind::cluster_roles:
    case Kind::role_bindings:
    case Kind::cluster_role_bindings:
      return check_escalation(user, authorizer_, rbac_, request.kind, before, *after);
    case Kind::certificate_signing_requests: return signing(request, before, *after);
    default: return {};
  }
}

// Source: Kubernetes plugin/pkg/admission/certificates/{approval,signing}.
ApiError WriteGuard::signing(const api::Request& request, const api::Object* before,
                             const api::Message& after) const {
  if (!before) return {};
  const std::string& signer = before->as<CertificateSigningRequest>().spec().signer_name();
  const auto refuse = [&](const char* what) {
    return api::forbidden(Kind::certificate_signing_requests, before->name(),
                          std::string("user not permitted to ") + what +
                              " requests with signerName " + quoted(signer));
  };
  if (request.subresource == Subresource::approval) {
    return may_act_on_signer(authorizer_, *request.caller, "approve", signer) ? ApiError()
                                                                              : refuse("approve");
  }
  const auto& now = static_cast<const CertificateSigningRequest&>(after);
  const bool signs =
      now.status().certificate() != before->as<CertificateSigningRequest>().status().certificate();
  if (request.subresource != Subresource::status || !signs) return {};
  return may_act_on_signer(authorizer_, *request.caller, "sign", signer) ? ApiError()
                                                                         : refuse("sign");
}

}  // namespace keelson::auth
