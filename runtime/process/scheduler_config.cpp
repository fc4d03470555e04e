#include "runtime/process/scheduler_config.hpp"

#include "core/scheduler/plugins/plugins.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/http_extenders.hpp"

namespace keelson::runtime {

Result<SchedulerConfigPtr> load_scheduler_config(const std::string& path) {
  if (path.empty()) return SchedulerConfigPtr();
  const auto text = read_file(path);
  if (!text) return text.error();
  auto config = scheduler::parse_configuration(*text, path, scheduler::default_plugins());
  if (!config) return config.error();
  // Files that it names, and texts in it that are keys.
  AsioLoop unused;
  if (const auto made = HttpExtenders::make(unused, config->extenders); !made) {
    return Error{Code::invalid, path + ": " + made.error().message};
  }
  return SchedulerConfigPtr(
      std::make_shared<const scheduler::Configuration>(std::move(*config)));
}

}  // namespace keelson::runtime
