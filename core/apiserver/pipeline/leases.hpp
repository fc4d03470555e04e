// Leases decide roles: whoever changes the holder of one gets the role's new token.
#pragma once

#include <string>

#include "core/apiserver/common.hpp"

namespace keelson::apiserver {

// The role ("namespace/name") that the write of a Lease hands over, or empty: the holder changed
// (or gave up, after which nobody knows the token). Leases of nodes are no roles.
inline std::string role_taken(const api::Lease* before, const api::Lease& now) {
  const ObjectMeta& meta = now.metadata();
  if (meta.namespace_() == kNodeLeaseNamespace) return {};
  const std::string& holder = now.spec().holder_identity();
  const bool changed = before ? before->spec().holder_identity() != holder : !holder.empty();
  return changed ? meta.namespace_() + "/" + meta.name() : std::string();
}

// The role that ends with the removal of its Lease, or empty.
inline std::string role_given_up(const api::Lease& lease) {
  return role_taken(nullptr, lease);
}

}  // namespace keelson::apiserver
