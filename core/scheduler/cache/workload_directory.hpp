// Which pods belong together, and which may be disrupted: the selectors of services and replica
// sets (for the default spreading) and the disruption budgets (for preemption).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/api/selector.hpp"
#include "core/scheduler/cache/label_classes.hpp"
#include "core/scheduler/cache/pod_info.hpp"

namespace keelson::scheduler {

struct Budget {
  api::ObjectPtr object;
  api::LabelSelectorMatcher selector;
  const api::PodDisruptionBudget& pdb() const { return object->as<api::PodDisruptionBudget>(); }
};

class WorkloadDirectory {
 public:
  explicit WorkloadDirectory(LabelClasses& classes) : classes_(classes) {}

  // `after` null: removed. Answers whether a selector changed.
  bool apply(const api::ObjectPtr& before, const api::ObjectPtr& after);

  // The pods with which this one is spread: those that all its services select and its replica set
  // selects. Null if nothing selects it. Source: helper.DefaultSelector of kube-scheduler.
  SelectorGroupPtr spread_group(const PodInfo& pod) const;

  // By name within the namespace, budgets that could select something.
  const std::map<std::string, Budget>* budgets(const std::string& ns) const;
  // Rises when a budget comes, goes, or changes, its status included.
  uint64_t budgets_version() const { return budgets_version_; }

 private:
  using Named = std::map<std::string, api::LabelSelectorMatcher>;
  struct ReplicaSetSelector {
    std::string uid;
    api::LabelSelectorMatcher selector;
  };
  bool apply_service(const api::ObjectPtr& before, const api::ObjectPtr& after);
  bool apply_replica_set(const api::ObjectPtr& before, const api::ObjectPtr& after);
  bool apply_budget(const api::ObjectPtr& before, const api::ObjectPtr& after);

  LabelClasses& classes_;
  // Services of a namespace by their first required label ("key=value") and name: a pod looks under
  // each of its labels instead of asking every service.
  std::map<std::string, std::map<std::string, Named>> services_;
  std::map<std::string, std::map<std::string, ReplicaSetSelector>> replica_sets_;
  std::map<std::string, std::map<std::string, Budget>> budgets_;
  uint64_t budgets_version_ = 1;
  uint64_t version_ = 1;  // rises when an answer of spread_group() may change
};

}  // namespace keelson::scheduler
