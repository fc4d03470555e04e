// How the simulated cluster's schedulers are configured.
#include <filesystem>
#include <memory>

#include "core/scheduler/config/apply.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/scenario/parts.hpp"

namespace keelson::sim {

namespace {

// `place` of the configuration, for what is wrong with it here only.
Status use(Result<scheduler::Configuration> config, const std::string& place, WorldOptions& world) {
  if (!config) return config.error();
  if (!config->extenders.empty()) {
    return {Code::invalid, place + "extenders: nobody answers HTTP in a simulated cluster: write a "
                                   "plugin for what the extender does"};
  }
  const auto shared = std::make_shared<const scheduler::Configuration>(std::move(*config));
  world.scheduler_options = [shared](scheduler::SchedulerOptions& options) {
    scheduler::apply(*shared, scheduler::default_plugins(), nullptr, options);
  };
  return {};
}

}  // namespace

Status read_scheduler(const std::string& text, const std::string& file, const YAML::Node& root,
                      WorldOptions& world) {
  const YAML::Node cluster = root["cluster"];
  if (!cluster.IsDefined() || !cluster.IsMap()) return {};
  const YAML::Node inside = cluster["scheduler"], outside = cluster["schedulerConfig"];
  const bool has_inside = inside.IsDefined() && !inside.IsNull();
  const bool has_outside = outside.IsDefined() && !outside.IsNull();
  if (has_inside && has_outside) {
    return {Code::invalid, file + ":" + std::to_string(outside.Mark().line + 1) +
                               ": cluster.schedulerConfig: either this or cluster.scheduler"};
  }
  const auto& registry = scheduler::default_plugins();
  if (has_inside) {
    return use(scheduler::parse_configuration_in(text, file, {{"cluster"}, {"scheduler"}}, registry),
               file + ":" + std::to_string(inside.Mark().line + 1) + ": cluster.scheduler.", world);
  }
  if (!has_outside) return {};
  const std::string place =
      file + ":" + std::to_string(outside.Mark().line + 1) + ": cluster.schedulerConfig: ";
  if (!outside.IsScalar()) return {Code::invalid, place + "expected the name of a file"};
  const auto path = std::filesystem::path(file).parent_path() / outside.Scalar();
  const auto content = read_text(path.string());
  if (!content) return {Code::invalid, place + content.error().message};
  return use(scheduler::parse_configuration(*content, path.string(), registry),
             path.string() + ": ", world);
}

}  // namespace keelson::sim
