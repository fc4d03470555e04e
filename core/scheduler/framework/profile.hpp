// A profile is the list of plugins that decide for the pods of one scheduler name, with their
// weights.
#pragma once

#include <array>
#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/scheduler/framework/plugin.hpp"
#include "core/scheduler/framework/plugin_args.hpp"

namespace keelson::scheduler {

struct PluginChoice {
  std::string name;
  int32_t weight = 1;  // of its score
};

struct ProfileOptions {
  std::vector<PluginChoice> plugins;  // in the order in which they are asked
  PluginArgs args;

  // What kube-scheduler enables by default, as far as it exists here, with the same weights.
  static ProfileOptions defaults();
  ProfileOptions& disable(std::string_view name);
  // Adds it at the end, or changes the weight of one that is there.
  ProfileOptions& enable(std::string name, int32_t weight = 1);
};

class Profile;
using ProfilePtr = std::shared_ptr<Profile>;
using PluginFactory = std::function<std::unique_ptr<Plugin>(const PluginArgs&)>;
using PluginRegistry = std::map<std::string, PluginFactory, std::less<>>;

class Profile {
 public:
  struct Scorer {
    Plugin* plugin;
    int32_t weight;
  };

  // Error: Code::invalid, naming the plugin that is unknown or the weight that is out of range.
  static Result<ProfilePtr> make(const ProfileOptions& options, const PluginRegistry& registry);

  std::span<const std::unique_ptr<Plugin>> plugins() const { return plugins_; }
  std::span<Plugin* const> at(Point point) const {
    return points_[static_cast<std::size_t>(std::countr_zero(static_cast<uint32_t>(point)))];
  }
  std::span<const Scorer> scorers() const { return scorers_; }
  // The plugin that orders the queue.
  const Plugin& sorter() const { return *sorter_; }
  const Plugin& plugin(PluginSlot slot) const { return *plugins_[slot]; }
  const Plugin* find(std::string_view name) const;

  // The events that can undo a rejection by these plugins (bit per slot).
  EventMask wakes_on(uint64_t rejectors) const;
  // Could one of them accept the pod on this node now?
  bool helps(uint64_t rejectors, EventMask event, const PodInfo& pod, const Snapshot& snapshot,
             NodeIndex node) const;

 private:
  Profile() = default;
  std::vector<std::unique_ptr<Plugin>> plugins_;
  std::array<std::vector<Plugin*>, kPointCount> points_;
  std::vector<Scorer> scorers_;
  const Plugin* sorter_ = nullptr;
};

}  // namespace keelson::scheduler
