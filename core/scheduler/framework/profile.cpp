#include "core/scheduler/framework/profile.hpp"

#include <algorithm>
#include <bit>

namespace keelson::scheduler {

ProfileOptions ProfileOptions::defaults() {
  // Order and weights of kube-scheduler's default profile (apis/config/v1/default_plugins.go).
  ProfileOptions options;
  options.plugins = {{"SchedulingGates"},
                     {"PrioritySort"},
                     {"NodeUnschedulable"},
                     {"NodeName"},
                     {"TaintToleration", 3},
                     {"NodeAffinity", 2},
                     {"NodePorts"},
                     {"NodeResourcesFit", 1},
                     {"PodTopologySpread", 2},
                     {"InterPodAffinity", 2},
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

namespace {

Error invalid(std::string what) {
  return {Code::invalid, std::move(what)};
}

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const PluginChoice* chosen(const std::vector<PluginChoice>& choices, std::string_view name) {
  const auto it = std::find_if(choices.begin(), choices.end(),
                               [&](const PluginChoice& c) { return c.name == name; });
  return it == choices.end() ? nullptr : &*it;
}

// At all points, or at this one only.
bool filters(const ProfileOptions& options, std::string_view name) {
  const auto is_it = [&](const PluginChoice& choice) { return choice.name == name; };
  if (std::any_of(options.plugins.begin(), options.plugins.end(), is_it)) return true;
  const auto here = options.points.find(Point::filter);
  return here != options.points.end() &&
         std::any_of(here->second.enabled.begin(), here->second.enabled.end(), is_it);
}

}  // namespace

std::string_view name_of(Point point) {
  for (const auto& [one, name] : kConfigurablePoints) {
    if (one == point) return name;
  }
  return "";
}

Status Profile::add(const std::string& name, const ProfileOptions& options,
                    const PluginRegistry& registry) {
  const auto factory = registry.find(name);
  if (factory == registry.end()) {
    std::string known;
    for (const auto& [one, unused] : registry) known += (known.empty() ? "" : ", ") + one;
    return invalid("unknown scheduler plugin " + quoted(name) + "; there are: " + known);
  }
  if (plugins_.size() == 64) return invalid("a scheduler profile has at most 64 plugins");
  auto plugin = factory->second(options.args);
  plugin->slot_ = static_cast<PluginSlot>(plugins_.size());
  plugins_.push_back(std::move(plugin));
  return {};
}

// Source: kube-scheduler's expandMultiPointPlugins, also for the order.
Status Profile::fill(Point point, const ProfileOptions& options) {
  static const PointChoice kNothing;
  const auto it = options.points.find(point);
  const PointChoice& here = it == options.points.end() ? kNothing : it->second;
  std::vector<PluginChoice> first, rest;
  for (const PluginChoice& choice : here.enabled) {
    const bool everywhere = chosen(options.plugins, choice.name) != nullptr;
    const bool moved = everywhere && !lists(here.disabled, choice.name);
    (moved && !lists(here.disabled, "*") ? first : rest).push_back(choice);
  }
  if (!lists(here.disabled, "*")) {
    for (const PluginChoice& choice : options.plugins) {
      if (lists(here.disabled, choice.name) || chosen(here.enabled, choice.name) != nullptr) {
        continue;
      }
      if ((find(choice.name)->points() & only(point)) != 0) first.push_back(choice);
    }
  }
  first.insert(first.end(), rest.begin(), rest.end());

  auto& list = points_[static_cast<std::size_t>(std::countr_zero(only(point)))];
  for (const PluginChoice& choice : first) {
    Plugin* plugin = find(choice.name);
    const std::string where = " at " + std::string(name_of(point));
    if ((plugin->points() & only(point)) == 0) {
      return invalid("scheduler plugin " + quoted(choice.name) + " has nothing to do" + where);
    }
    if (std::find(list.begin(), list.end(), plugin) != list.end()) {
      return invalid("scheduler plugin " + quoted(choice.name) + " is listed twice" + where);
    }
    list.push_back(plugin);
    if (point != Point::score) continue;
    if (choice.weight < 1 || choice.weight > kMaxPluginWeight) {
      return invalid("the weight of scheduler plugin " + quoted(choice.name) +
                     " must be from 1 to " + std::to_string(kMaxPluginWeight) +
                     "; to switch it off, disable it");
    }
    scorers_.push_back({plugin, choice.weight});
  }
  return {};
}

Status Profile::check() const {
  if (at(Point::queue_sort).size() != 1) {
    return invalid(
        "a scheduler profile needs exactly one plugin that sorts the queue (PrioritySort)");
  }
  if (at(Point::bind).empty()) {
    return invalid("a scheduler profile needs a plugin that binds (DefaultBinder)");
  }
  // Without what it prepares a plugin would judge by what it knew of an earlier pod.
  for (const auto& [point, prepared_at] : {std::pair(Point::filter, Point::pre_filter),
                                           std::pair(Point::score, Point::pre_score)}) {
    const std::span<Plugin* const> prepared = at(prepared_at);
    for (const Plugin* plugin : at(point)) {
      if ((plugin->points() & only(prepared_at)) == 0) continue;
      if (std::find(prepared.begin(), prepared.end(), plugin) != prepared.end()) continue;
      return invalid("scheduler plugin " + quoted(plugin->name()) + " is enabled at " +
                     std::string(name_of(point)) + " and not at " +
                     std::string(name_of(prepared_at)) + ", where it prepares that");
    }
  }
  return {};
}

Result<ProfilePtr> Profile::make(const ProfileOptions& wanted, const PluginRegistry& registry) {
  ProfilePtr profile(new Profile);
  ProfileOptions options = wanted;
  profile->args_ = options.args;
  if (filters(options, "GpuShare")) {
    // It takes the devices over: NodeResourcesFit would count a share of one as all of it.
    options.args.node_resources_fit.ignored_resources.push_back(api::kGpuResource);
  }
  for (const PluginChoice& choice : options.plugins) {
    if (profile->find(choice.name) != nullptr) {
      return invalid("scheduler plugin " + quoted(choice.name) + " is listed twice");
    }
    if (Status added = profile->add(choice.name, options, registry); !added) return added.error();
  }
  for (const auto& [point, here] : options.points) {
    for (const PluginChoice& choice : here.enabled) {
      if (profile->find(choice.name) != nullptr) continue;
      if (Status added = profile->add(choice.name, options, registry); !added) {
        return added.error();
      }
    }
  }
  for (std::size_t bit = 0; bit < kPointCount; ++bit) {
    if (Status filled = profile->fill(static_cast<Point>(uint32_t{1} << bit), options); !filled) {
      return filled.error();
    }
  }
  if (Status status = profile->check(); !status) return status.error();
  profile->sorter_ = profile->at(Point::queue_sort).front();
  return profile;
}

Plugin* Profile::find(std::string_view name) {
  for (const auto& plugin : plugins_) {
    if (plugin->name() == name) return plugin.get();
  }
  return nullptr;
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
