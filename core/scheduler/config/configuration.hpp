// KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): the file that operators of
// kube-scheduler have, read with the same meaning. Defaults, merging and what is refused are
// kube-scheduler's; beyond that, settings that contradict each other and plugins that do not exist
// are refused too, and what is accepted without having an effect here is said (`notes`).
// Source: kube-scheduler apis/config v1 (types, defaults, validation).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/json_text.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/scheduler/config/extender_config.hpp"
#include "core/scheduler/framework/profiles.hpp"

namespace keelson::scheduler {

struct ProfileConfig {
  std::string scheduler_name{kDefaultSchedulerName};
  ProfileOptions options = ProfileOptions::defaults();
  int32_t percentage_of_nodes_to_score = 0;
};

struct Configuration {
  std::vector<ProfileConfig> profiles{ProfileConfig{}};
  Duration pod_initial_backoff = 1s;
  Duration pod_max_backoff = 10s;
  std::vector<ExtenderConfig> extenders;  // in the order in which they are asked
  std::vector<std::string> notes;         // "parallelism: has no effect: ..."

  // Fresh profiles, for one scheduler. REQUIRES: the registry that it was checked with.
  Profiles make_profiles(const PluginRegistry& registry) const;
};

// One YAML or JSON document. `source` names it in errors (Code::invalid), which have a line for each
// thing that is wrong: "FILE:LINE: profiles[0].schedulerName: ...".
Result<Configuration> parse_configuration(std::string_view text, std::string_view source,
                                          const PluginRegistry& registry);
// The same with what stands at `where` in a larger document; apiVersion and kind may be left out.
Result<Configuration> parse_configuration_in(std::string_view text, std::string_view source,
                                             const api::JsonPath& where,
                                             const PluginRegistry& registry);

// For where nobody can be asked over HTTP: Code::invalid, "FILE:LINE: extenders: `why`", if it has some.
// `text` is what was parsed, and `source` its name.
Status refuse_extenders(const Configuration& config, std::string_view text, std::string_view source,
                        std::string why);

}  // namespace keelson::scheduler
