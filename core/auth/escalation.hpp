// Nobody can give away, through a role or a binding, what they may not do themselves.
// Source: Kubernetes pkg/registry/rbac (escalation_check.go and the policybased storages).
#pragma once

#include "core/api/error.hpp"
#include "core/api/object.hpp"
#include "core/auth/rbac.hpp"

namespace keelson::auth {

// `after` is the new content of a role or binding, `before` the object as it was (null: none).
// Passed by: members of system:masters; who may `escalate` roles, or `bind` the role in question;
// who holds all that is given; updates that touch only what garbage collection needs.
api::ApiError check_escalation(const UserInfo& user, const Authorizer& authorizer,
                               const RbacAuthorizer& rbac, api::Kind kind,
                               const api::Object* before, const api::Message& after);

}  // namespace keelson::auth
