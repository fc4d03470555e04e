#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {

const PluginRegistry& default_plugins() {
  static const PluginRegistry kRegistry{
      {"SchedulingGates", make_scheduling_gates},
      {"PrioritySort", make_priority_sort},
      {"NodeName", make_node_name},
      {"NodeUnschedulable", make_node_unschedulable},
      {"TaintToleration", make_taint_toleration},
      {"NodeAffinity", make_node_affinity},
      {"NodePorts", make_node_ports},
      {"NodeResourcesFit", make_node_resources_fit},
      {"NodeResourcesBalancedAllocation", make_node_resources_balanced_allocation},
      {"ImageLocality", make_image_locality},
      {"DefaultSpread", make_default_spread},
      {"DefaultPreemption", make_default_preemption},
      {"DefaultBinder", make_default_binder},
  };
  return kRegistry;
}

}  // namespace keelson::scheduler
