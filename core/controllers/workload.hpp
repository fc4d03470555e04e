// The workload controllers, ready to be given to a Manager.
#pragma once

#include <memory>
#include <vector>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

// Deployments, ReplicaSets, garbage collection, namespaces, disruption budgets, service accounts.
std::vector<std::unique_ptr<Controller>> make_workload_controllers();

}  // namespace keelson::controllers
