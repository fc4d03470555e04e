// The scheduler's configuration file of a control plane.
#pragma once

#include <memory>
#include <string>

#include "core/scheduler/config/configuration.hpp"

namespace keelson::runtime {

using SchedulerConfigPtr = std::shared_ptr<const scheduler::Configuration>;

// Empty path: null. Error: what is wrong with the file, one line for each thing.
Result<SchedulerConfigPtr> load_scheduler_config(const std::string& path);

}  // namespace keelson::runtime
