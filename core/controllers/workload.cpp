#include "core/controllers/workload.hpp"

#include "core/controllers/deployment.hpp"
#include "core/controllers/garbage_collector.hpp"
#include "core/controllers/namespace.hpp"
#include "core/controllers/pod_disruption_budget.hpp"
#include "core/controllers/replica_set.hpp"
#include "core/controllers/service_account.hpp"

namespace keelson::controllers {

std::vector<std::unique_ptr<Controller>> make_workload_controllers() {
  std::vector<std::unique_ptr<Controller>> all;
  all.push_back(std::make_unique<DeploymentController>());
  all.push_back(std::make_unique<ReplicaSetController>());
  all.push_back(std::make_unique<GarbageCollector>());
  all.push_back(std::make_unique<NamespaceController>());
  all.push_back(std::make_unique<PodDisruptionBudgetController>());
  all.push_back(std::make_unique<ServiceAccountController>());
  return all;
}

}  // namespace keelson::controllers
