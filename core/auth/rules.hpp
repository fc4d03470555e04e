// What a rule of a role allows, and whether some rules allow all that others do.
// Source: Kubernetes pkg/apis/rbac/v1/evaluation_helpers.go and
// k8s.io/component-helpers/auth/rbac/validation (policy_comparator, policy_compact).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/api/types.hpp"
#include "core/auth/auth.hpp"

namespace keelson::auth {

using api::rbac::v1::PolicyRule;
using PolicyRules = google::protobuf::RepeatedPtrField<PolicyRule>;

bool allows(const PolicyRule& rule, const Attributes& attributes);

// The smallest parts of `wanted` that no rule of `held` covers as a whole.
std::vector<PolicyRule> uncovered(std::span<const PolicyRule* const> held,
                                  const PolicyRules& wanted);

// Parts that differ in their verbs only, put together again.
std::vector<PolicyRule> compact(std::vector<PolicyRule> rules);

// {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}
std::string describe(const PolicyRule& rule);

}  // namespace keelson::auth
