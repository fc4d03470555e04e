#include "core/scheduler/framework/profile.hpp"

#include <algorithm>
#include <bit>

namespace keelson::scheduler {

ProfileOptions ProfileOptions::defaults() {
  // Order and weights of kube-scheduler's default profile (apis/config/v1/default_plugins.go).
  // DefaultSpread stands for PodTopologySpread's system default constraints, hence its weight.
  ProfileOptions options;
  options.plugins = {{"SchedulingGates"},
                     {"PrioritySort"},
                     {"NodeUnschedulable"},
                     {"NodeName"},
                     {"TaintToleration", 3},
                     {"NodeAffinity", 2},
                     {"NodePorts"},
                     {"NodeResourcesFit", 1},
                     {"DefaultSpread", 2},
                     {"DefaultPreemption"},
                     {"NodeResourcesBalancedAllocation", 1},
                     {"ImageLocality", 1},
                     {"DefaultBinder"}};
  return options;
}

ProfileOptions& ProfileOptions::disable(std::string_view name) {
  std::erase_if(plugins, [&](const PluginChoice& p) { return p.name == name; });
  return *this;
}

ProfileOptions& ProfileOptions::enable(std::string name, int32_t weight) {
  for (PluginChoice& p : plugins) {
    if (p.name == name) {
      p.weight = weight;
      return *this;
    }
  }
  plugins.push_back({std::move(name), weight});
  return *this;
}

Result<ProfilePtr> Profile::make(const ProfileOptions& options, const PluginRegistry& registry) {
  ProfilePtr profile(new Profile);
  if (options.plugins.size() > 64) {
    return Error{Code::invalid, "a scheduler profile has at most 64 plugins"};
  }
  for (const PluginChoice& choice : options.plugins) {
    const auto factory = registry.find(choice.name);
    if (factory == registry.end()) {
      std::string known;
      for (const auto& [name, unused] : registry) known += (known.empty() ? "" : ", ") + name;
      return Error{Code::invalid,
                   "unknown scheduler plugin \"" + choice.name + "\"; there are: " + known};
    }
    if (choice.weight < 1 || choice.weight > 1'000'000) {
      return Error{Code::invalid, "the weight of scheduler plugin \"" + choice.name +
                                      "\" must be between 1 and 1000000; to switch it off, "
                                      "disable it"};
    }
    if (profile->find(choice.name) != nullptr) {
      return Error{Code::invalid, "scheduler plugin \"" + choice.name + "\" is listed twice"};
    }
    auto plugin = factory->second(options.args);
    plugin->slot_ = static_cast<PluginSlot>(profile->plugins_.size());
    for (std::size_t bit = 0; bit < kPointCount; ++bit) {
      if ((plugin->points() >> bit & 1) != 0) profile->points_[bit].push_back(plugin.get());
    }
    if ((plugin->points() & only(Point::score)) != 0) {
      profile->scorers_.push_back({plugin.get(), choice.weight});
    }
    profile->plugins_.push_back(std::move(plugin));
  }
  if (profile->at(Point::queue_sort).size() != 1) {
    return Error{
        Code::invalid,
        "a scheduler profile needs exactly one plugin that sorts the queue (PrioritySort)"};
  }
  if (profile->at(Point::bind).empty()) {
    return Error{Code::invalid, "a scheduler profile needs a plugin that binds (DefaultBinder)"};
  }
  profile->sorter_ = profile->at(Point::queue_sort).front();
  return profile;
}

const Plugin* Profile::find(std::string_view name) const {
  for (const auto& plugin : plugins_) {
    if (plugin->name() == name) return plugin.get();
  }
  return nullptr;
}

EventMask Profile::wakes_on(uint64_t rejectors) const {
  EventMask mask;
  for (; rejectors != 0; rejectors &= rejectors - 1) {
    const auto slot = static_cast<std::size_t>(std::countr_zero(rejectors));
    if (slot < plugins_.size()) mask |= plugins_[slot]->wakes_on();
  }
  return mask;
}

bool Profile::helps(uint64_t rejectors, EventMask event, const PodInfo& pod,
                    const Snapshot& snapshot, NodeIndex node) const {
  for (; rejectors != 0; rejectors &= rejectors - 1) {
    const auto slot = static_cast<std::size_t>(std::countr_zero(rejectors));
    if (slot >= plugins_.size()) continue;
    const Plugin& plugin = *plugins_[slot];
    if (!plugin.wakes_on().intersects(event)) continue;
    if (node == kNoNode || plugin.helps(pod, snapshot, node)) return true;
  }
  return false;
}

}  // namespace keelson::scheduler
