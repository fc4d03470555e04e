// The reviews: questions about access that are answered at once. Each function takes what the
// client has sent and gives it back with its status filled in, or the error to answer with. Source:
// Kubernetes pkg/registry/{authorization,authentication} and the validation beside them.
#pragma once

#include <string>

#include "core/auth/answer.hpp"
#include "core/auth/auth.hpp"
#include "core/auth/rbac.hpp"
#include "core/auth/service_account_tokens.hpp"

namespace keelson::auth {

Answer<api::SubjectAccessReview> review(const Authorizer& authorizer,
                                        api::SubjectAccessReview review);
Answer<api::SelfSubjectAccessReview> review(const Authorizer& authorizer, const UserInfo& caller,
                                            api::SelfSubjectAccessReview review);
// `ns`: the namespace on the URL.
Answer<api::LocalSubjectAccessReview> review(const Authorizer& authorizer, const std::string& ns,
                                             api::LocalSubjectAccessReview review);

// Lists what the roles give; marked as incomplete for those whom others than roles may allow
// something.
Answer<api::SelfSubjectRulesReview> review(const RbacAuthorizer& rbac, const UserInfo& caller,
                                           api::SelfSubjectRulesReview review);

Answer<api::SelfSubjectReview> review(const UserInfo& caller, api::SelfSubjectReview review);

// `tokens` knows about audiences and may be null; `authenticator` stands for all tokens that are
// accepted, whose audience is the API server.
Answer<api::TokenReview> review(const Authenticator& authenticator,
                                const ServiceAccountTokens* tokens, api::TokenReview review);

}  // namespace keelson::auth
