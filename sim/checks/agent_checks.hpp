// The checks on node agents, by file.
#pragma once

#include <memory>

#include "sim/checks/check.hpp"
#include "sim/world/runtime.hpp"

namespace keelson::sim {

// NA-6.
std::unique_ptr<Check> make_agent_recovery_check(const CheckContext& context);

// By its images the pod never comes to rest: something of it is missing, ends or crashes by itself.
bool restless(const api::Pod& pod, const RuntimeModel& model);

}  // namespace keelson::sim
