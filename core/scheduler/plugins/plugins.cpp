#include "core/scheduler/plugins/plugins.hpp"

#include "core/scheduler/policies/policies.hpp"

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
      {"PodTopologySpread", make_pod_topology_spread},
      {"InterPodAffinity", make_inter_pod_affinity},
      {"DefaultPreemption", make_default_preemption},
      {"DefaultBinder", make_default_binder},
      {"GpuShare", make_gpu_share},
      {"Coscheduling", make_coscheduling},
      {"DominantResourceFairness", make_dominant_resource_fairness},
      {"Random", make_random},
      {"FirstFit", make_first_fit},
      {"BestFit", make_best_fit},
      {"WorstFit", make_worst_fit},
      {"DotProd", make_dot_prod},
      {"Tetris", make_tetris},
      {"DominantShare", make_dominant_share},
      {"GpuClustering", make_gpu_clustering},
      {"GpuPacking", make_gpu_packing},
      {"FGD", make_fgd},
      {"SpareGpus", make_spare_gpus},
  };
  return kRegistry;
}

}  // namespace keelson::scheduler
