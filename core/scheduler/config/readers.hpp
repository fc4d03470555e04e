// The parts of the configuration file and who reads them; internal to this folder.
#pragma once

#include <string>
#include <vector>

#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/config/tree_reader.hpp"

namespace keelson::scheduler {

// What all parts share while a file is read.
struct Reading {
  const PluginRegistry& registry;
  std::vector<std::string> notes;
};

// Why a plugin of kube-scheduler has no counterpart and none is missed; empty for all others.
std::string_view why_without_effect(std::string_view plugin);

ProfileConfig read_profile(TreeReader& from, int32_t percentage, Reading& reading);
// One entry of pluginConfig, about this plugin. False: the plugin has no arguments.
bool read_plugin_args(const std::string& plugin, TreeReader& from, PluginArgs& into);
void read_fgd(TreeReader& from, PluginArgs& into);
void read_random(TreeReader& from, PluginArgs& into);
std::vector<ExtenderConfig> read_extenders(TreeReader& from, Reading& reading);

}  // namespace keelson::scheduler
