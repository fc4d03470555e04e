// What the checks on nodes and agents share: the truth about a node, as opposed to what the API says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/checks/check.hpp"

namespace keelson::sim {

// The event begins the object's deletion, or completes it at once.
bool begins_deletion(const store::StoreEvent& event);
bool has_ended(const api::Pod& pod);

enum class NodeReadiness : uint8_t { absent, yes, no, unknown };
NodeReadiness readiness(const api::Object& node);
// Region and zone, as one word.
std::string zone_of(const api::Object& node);
// How long the pod may stay under the taint; nothing: for ever. Source: k8s.io/api ToleratesTaint.
std::optional<Duration> tolerated(const api::Pod& pod, const api::Taint& taint);

// NL-3, NL-4 and NL-7.
std::unique_ptr<Check> make_eviction_check(const CheckContext& context);

}  // namespace keelson::sim
