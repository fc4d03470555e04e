// The plugins that come with Keelson, one file each, under the names that kube-scheduler gives
// them.
#pragma once

#include "core/scheduler/framework/profile.hpp"

namespace keelson::scheduler {

std::unique_ptr<Plugin> make_scheduling_gates(const PluginArgs&);
std::unique_ptr<Plugin> make_priority_sort(const PluginArgs&);
std::unique_ptr<Plugin> make_node_name(const PluginArgs&);
std::unique_ptr<Plugin> make_node_unschedulable(const PluginArgs&);
std::unique_ptr<Plugin> make_taint_toleration(const PluginArgs&);
std::unique_ptr<Plugin> make_node_affinity(const PluginArgs&);
std::unique_ptr<Plugin> make_node_ports(const PluginArgs&);
std::unique_ptr<Plugin> make_node_resources_fit(const PluginArgs&);
std::unique_ptr<Plugin> make_node_resources_balanced_allocation(const PluginArgs&);
std::unique_ptr<Plugin> make_image_locality(const PluginArgs&);
std::unique_ptr<Plugin> make_pod_topology_spread(const PluginArgs&);
std::unique_ptr<Plugin> make_inter_pod_affinity(const PluginArgs&);
std::unique_ptr<Plugin> make_default_preemption(const PluginArgs&);
std::unique_ptr<Plugin> make_default_binder(const PluginArgs&);
std::unique_ptr<Plugin> make_gpu_share(const PluginArgs&);
std::unique_ptr<Plugin> make_coscheduling(const PluginArgs&);
std::unique_ptr<Plugin> make_dominant_resource_fairness(const PluginArgs&);

// All of them, and the policies (policies/policies.hpp); add your own to a copy.
const PluginRegistry& default_plugins();

}  // namespace keelson::scheduler
