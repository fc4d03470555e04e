// Scoring policies of the literature, as plugins; README.md names their papers. They only score (FGD
// and Random choose devices too): filters come from the plugins that they are enabled with.
#pragma once

#include "core/scheduler/framework/profile.hpp"

namespace keelson::scheduler {

std::unique_ptr<Plugin> make_random(const PluginArgs&);
std::unique_ptr<Plugin> make_first_fit(const PluginArgs&);
std::unique_ptr<Plugin> make_best_fit(const PluginArgs&);
std::unique_ptr<Plugin> make_worst_fit(const PluginArgs&);
std::unique_ptr<Plugin> make_dot_prod(const PluginArgs&);
std::unique_ptr<Plugin> make_tetris(const PluginArgs&);
std::unique_ptr<Plugin> make_dominant_share(const PluginArgs&);
std::unique_ptr<Plugin> make_gpu_clustering(const PluginArgs&);
std::unique_ptr<Plugin> make_gpu_packing(const PluginArgs&);
std::unique_ptr<Plugin> make_fgd(const PluginArgs&);
std::unique_ptr<Plugin> make_spare_gpus(const PluginArgs&);

}  // namespace keelson::scheduler
