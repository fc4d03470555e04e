// A Lease that stands for a claim on something shared: writing it on condition of its revision
// proves that nobody else has claimed since that revision.
#pragma once

#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

// `owner` (may be null) owns the Lease if it does not exist yet.
store::Write claim_lease(const Context& context, std::string_view ns, const std::string& name,
                         const Object* owner);

// Whoever claims something of this node waits for its turn there (see Operation::lane).
inline std::string node_lane(const std::string& node) {
  return "node/" + node;
}

}  // namespace keelson::apiserver
