// What the scheduler writes into a pod's status: why it is pending, and where it is nominated to.
#pragma once

#include <optional>
#include <string>

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::scheduler {

struct PodStatusChange {
  std::string reason, message;                // of condition PodScheduled=False; empty: left alone
  std::optional<std::string> nominated_node;  // "" clears it
};

// The pod with the change made, or nullptr if that changes nothing.
api::ObjectPtr with_status(const api::Object& pod, const PodStatusChange& change, WallTime now);

// Have spec and labels, which decide where a pending pod can go, stayed the same?
bool same_demands(const api::Object& before, const api::Object& after);

}  // namespace keelson::scheduler
