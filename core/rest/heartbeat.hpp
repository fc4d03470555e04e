// How a node's life sign travels over HTTP: as the update of its Lease in kube-node-lease, which is what
// kubelet sends, with what a Lease has no field for in two annotations. Such an update is not stored: it
// consumes no revision and reaches no watch (Verb::renew).
#pragma once

#include <optional>

#include "core/api/request.hpp"

namespace keelson::rest {

inline constexpr std::string_view kBeatAnnotation = "keelson.io/beat";        // Beat::seq
inline constexpr std::string_view kReportsAnnotation = "keelson.io/reports";  // "n2:17:1 n3:17:0"

api::Lease lease_of(const api::Beat& beat);
// None: an ordinary update, of a Lease without a well-formed life sign.
std::optional<api::Beat> beat_of(const api::Lease& lease);

}  // namespace keelson::rest
