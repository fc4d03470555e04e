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
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/scheduler/framework/plugin.hpp"
#include "core/scheduler/framework/plugin_args.hpp"

namespace keelson::scheduler {

inline constexpr int32_t kMaxPluginWeight = 1'000'000;

struct PluginChoice {
  std::string name;
  int32_t weight = 1;  // of its score: 1..kMaxPluginWeight
};

// The points that KubeSchedulerConfiguration names, in the order in which they come about. (Others
// follow from these.)
inline constexpr std::array<std::pair<Point, std::string_view>, 12> kConfigurablePoints{{
    {Point::pre_enqueue, "preEnqueue"},
    {Point::queue_sort, "queueSort"},
    {Point::pre_filter, "preFilter"},
    {Point::filter, "filter"},
    {Point::post_filter, "postFilter"},
    {Point::pre_score, "preScore"},
    {Point::score, "score"},
    {Point::reserve, "reserve"},
    {Point::permit, "permit"},
    {Point::pre_bind, "preBind"},
    {Point::bind, "bind"},
    {Point::post_bind, "postBind"},
}};
std::string_view name_of(Point point);  // empty: none of these

// What is different at one extension point. Plugins that `plugins` has too take their place in front
// of its others; the rest come after them.
struct PointChoice {
  std::vector<PluginChoice> enabled;
  std::vector<std::string> disabled;  // "*": all but `enabled`
};

struct ProfileOptions {
  // At every extension point that they implement, in the order in which they are asked.
  std::vector<PluginChoice> plugins;
  std::map<Point, PointChoice> points;
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

  // Error: Code::invalid, naming the plugin that is unknown, is enabled where it has nothing to do,
  // or is left without what it prepares (filter without pre_filter, score without pre_score); or
  // the weight that is out of range.
  static Result<ProfilePtr> make(const ProfileOptions& options, const PluginRegistry& registry);

  std::span<const std::unique_ptr<Plugin>> plugins() const { return plugins_; }
  std::span<Plugin* const> at(Point point) const {
    return points_[static_cast<std::size_t>(std::countr_zero(static_cast<uint32_t>(point)))];
  }
  std::span<const Scorer> scorers() const { return scorers_; }
  // The plugin that orders the queue.
  const Plugin& sorter() const { return *sorter_; }
  const Plugin& plugin(PluginSlot slot) const { return *plugins_[slot]; }
  const PluginArgs& args() const { return args_; }
  Plugin* find(std::string_view name);
  const Plugin* find(std::string_view name) const;

  // The events that can undo a rejection by these plugins (bit per slot).
  EventMask wakes_on(uint64_t rejectors) const;
  // Could one of them accept the pod on this node now?
  bool helps(uint64_t rejectors, EventMask event, const PodInfo& pod, const Snapshot& snapshot,
             NodeIndex node) const;

 private:
  Profile() = default;
  Status add(const std::string& name, const ProfileOptions& options,
             const PluginRegistry& registry);
  Status fill(Point point, const ProfileOptions& options);
  Status check() const;

  std::vector<std::unique_ptr<Plugin>> plugins_;
  std::array<std::vector<Plugin*>, kPointCount> points_;
  std::vector<Scorer> scorers_;
  const Plugin* sorter_ = nullptr;
  PluginArgs args_;
};

}  // namespace keelson::scheduler
