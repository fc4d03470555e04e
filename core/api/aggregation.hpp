// Cluster roles that collect their rules from others (aggregationRule).
// Source: Kubernetes pkg/controller/clusterroleaggregation.
#pragma once

#include <span>
#include <vector>

#include "core/api/types.hpp"

namespace keelson::api {

using PolicyRules = google::protobuf::RepeatedPtrField<rbac::v1::PolicyRule>;

// What `role` allows. Without an aggregationRule those are its own rules; with one, those of the
// roles of `all` that its selectors choose, each once. Chosen roles may collect in turn; circles do
// no harm. REQUIRES: `all` is sorted by name, which gives the result its order.
PolicyRules effective_rules(const ClusterRole& role, std::span<const ClusterRole* const> all);

}  // namespace keelson::api
