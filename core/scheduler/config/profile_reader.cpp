// profiles[]: which plugins, where, in which order and with which weights.
#include <algorithm>
#include <array>
#include <set>

#include "core/scheduler/config/readers.hpp"

namespace keelson::scheduler {
namespace {

constexpr std::string_view kNoVolumes =
    "there are no persistent volumes, and volumes of other types restrict no node";

struct WithoutEffect {
  std::string_view plugin, why;
};
constexpr std::array kWithoutEffect{
    WithoutEffect{"VolumeRestrictions", kNoVolumes},
    WithoutEffect{"NodeVolumeLimits", kNoVolumes},
    WithoutEffect{"EBSLimits", kNoVolumes},
    WithoutEffect{"GCEPDLimits", kNoVolumes},
    WithoutEffect{"AzureDiskLimits", kNoVolumes},
    WithoutEffect{"VolumeBinding", kNoVolumes},
    WithoutEffect{"VolumeZone", kNoVolumes},
    WithoutEffect{"DynamicResources", "there are no resource claims"},
};

std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

// True if the plugin exists. One that has no effect is noted, one that nobody knows is refused.
bool known(const std::string& name, TreeReader& entry, Reading& reading) {
  if (reading.registry.contains(name)) return true;
  if (const std::string_view why = why_without_effect(name); !why.empty()) {
    const std::string note = name + ": has no effect: " + std::string(why);
    if (std::find(reading.notes.begin(), reading.notes.end(), note) == reading.notes.end()) {
      reading.notes.push_back(note);
    }
    return false;
  }
  std::string all;
  for (const auto& [one, unused] : reading.registry) all += (all.empty() ? "" : ", ") + one;
  entry.fail("name", "unknown plugin " + quoted(name) + "; there are: " + all);
  return false;
}

// A set of plugins as it stands in the file.
PointChoice read_set(TreeReader& from, bool has_weights, Reading& reading) {
  PointChoice set;
  std::set<std::string> seen;
  for (TreeReader& entry : from.objects("enabled")) {
    const std::string name = entry.text("name").value_or("");
    const auto weight = entry.integer("weight", 0, kMaxPluginWeight);
    if (weight.value_or(0) != 0 && !has_weights) {
      entry.fail("weight", "only scores have weights: set it at score or multiPoint");
    }
    entry.done();
    if (name.empty()) {
      entry.fail("name", "must be set");
    } else if (!seen.insert(name).second) {
      entry.fail("name", "duplicate value: " + quoted(name) + " is enabled here already");
    } else if (known(name, entry, reading)) {
      // Zero means that nothing was said.
      set.enabled.push_back({name, std::max<int32_t>(1, static_cast<int32_t>(weight.value_or(0)))});
    }
  }
  for (TreeReader& entry : from.objects("disabled")) {
    const std::string name = entry.text("name").value_or("");
    entry.integer("weight", 0, kMaxPluginWeight);
    entry.done();
    if (name.empty()) {
      entry.fail("name", "must be set");
    } else if (name == "*" || known(name, entry, reading)) {
      set.disabled.push_back(name);
    }
  }
  from.done();
  return set;
}

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Source: mergePluginSet of kube-scheduler: what is enabled in the file takes the place of the
// default plugin of the same name, others come after the defaults.
std::vector<PluginChoice> merge(const std::vector<PluginChoice>& defaults, PointChoice set) {
  std::vector<PluginChoice> merged;
  for (const PluginChoice& plugin : defaults) {
    if (lists(set.disabled, "*") || lists(set.disabled, plugin.name)) continue;
    const auto own = std::find_if(set.enabled.begin(), set.enabled.end(),
                                  [&](const PluginChoice& c) { return c.name == plugin.name; });
    if (own == set.enabled.end()) {
      merged.push_back(plugin);
    } else {
      merged.push_back(*own);
      set.enabled.erase(own);
    }
  }
  merged.insert(merged.end(), set.enabled.begin(), set.enabled.end());
  return merged;
}

void read_plugins(TreeReader& from, Reading& reading, ProfileOptions& into) {
  if (auto everywhere = from.object("multiPoint")) {
    into.plugins = merge(into.plugins, read_set(*everywhere, true, reading));
  }
  for (const auto& [point, name] : kConfigurablePoints) {
    auto here = from.object(name);
    if (!here) continue;
    into.points[point] = read_set(*here, point == Point::score, reading);
  }
  from.done();
}

void read_plugin_config(TreeReader& profile, Reading& reading, PluginArgs& into) {
  std::set<std::string> seen;
  for (TreeReader& entry : profile.objects("pluginConfig")) {
    const std::string name = entry.text("name").value_or("");
    auto args = entry.object("args");
    entry.done();
    if (name.empty()) {
      entry.fail("name", "must be set");
      continue;
    }
    if (!seen.insert(name).second) {
      entry.fail("name", "duplicate value: " + quoted(name) + " has arguments already");
      continue;
    }
    // The arguments of a plugin without an effect are checked all the same.
    if (!known(name, entry, reading) && why_without_effect(name).empty()) continue;
    if (!args) continue;
    const auto version = args->text("apiVersion");
    if (version && *version != "kubescheduler.config.k8s.io/v1") {
      args->fail("apiVersion", "must be \"kubescheduler.config.k8s.io/v1\"");
    }
    if (const auto kind = args->text("kind"); kind && *kind != name + "Args") {
      args->fail("kind", "must be \"" + name + "Args\"");
    }
    if (!read_plugin_args(name, *args, into)) {
      entry.fail("args", "the plugin " + quoted(name) + " has no arguments");
      continue;
    }
    args->done();
  }
}

}  // namespace

std::string_view why_without_effect(std::string_view plugin) {
  for (const WithoutEffect& one : kWithoutEffect) {
    if (one.plugin == plugin) return one.why;
  }
  return {};
}

ProfileConfig read_profile(TreeReader& from, int32_t percentage, Reading& reading) {
  ProfileConfig profile;
  profile.scheduler_name = from.text("schedulerName").value_or(profile.scheduler_name);
  profile.percentage_of_nodes_to_score = static_cast<int32_t>(
      from.integer("percentageOfNodesToScore", 0, 100).value_or(percentage));
  if (auto plugins = from.object("plugins")) read_plugins(*plugins, reading, profile.options);
  read_plugin_config(from, reading, profile.options.args);
  from.done();
  return profile;
}

}  // namespace keelson::scheduler
