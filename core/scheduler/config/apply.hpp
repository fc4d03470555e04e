// From a configuration to a scheduler.
#pragma once

#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/scheduler.hpp"

namespace keelson::scheduler {

// Sets what the configuration says, and leaves the rest of the options. Profiles have state: call it
// for each scheduler that is made. `port` reaches the extenders; null only if there are none.
inline void apply(const Configuration& config, const PluginRegistry& registry, ExtenderPort* port,
                  SchedulerOptions& into) {
  into.profiles = config.make_profiles(registry);
  into.queue.backoff_initial = config.pod_initial_backoff;
  into.queue.backoff_max = config.pod_max_backoff;
  into.extenders = {config.extenders, port};
}

}  // namespace keelson::scheduler
