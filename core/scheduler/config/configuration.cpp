#include "core/scheduler/config/configuration.hpp"

#include <map>

#include "core/api/json_decode.hpp"
#include "core/base/duration_text.hpp"
#include "core/scheduler/config/readers.hpp"

namespace keelson::scheduler {
namespace {

constexpr std::string_view kVersion = "kubescheduler.config.k8s.io/v1";
constexpr std::string_view kKind = "KubeSchedulerConfiguration";
constexpr int64_t kSecondsMax = 365 * 24 * 3600;

void read_type(TreeReader& root, bool required) {
  for (const auto& [field, expected] : {std::pair("apiVersion", kVersion), {"kind", kKind}}) {
    const auto value = root.text(field);
    if (value ? *value == expected : !required) continue;
    root.fail(field, "must be \"" + std::string(expected) + "\"");
  }
}

void read_backoff(TreeReader& root, Configuration& into) {
  const auto initial = root.integer("podInitialBackoffSeconds", 1, kSecondsMax);
  const auto most = root.integer("podMaxBackoffSeconds", 1, kSecondsMax);
  if (initial) into.pod_initial_backoff = std::chrono::seconds(*initial);
  if (most) into.pod_max_backoff = std::chrono::seconds(*most);
  if (into.pod_max_backoff < into.pod_initial_backoff) {
    root.fail(most ? "podMaxBackoffSeconds" : "podInitialBackoffSeconds",
              "podMaxBackoffSeconds must be greater than or equal to podInitialBackoffSeconds");
  }
}

Duration duration(TreeReader& from, std::string_view field, Duration fallback) {
  const auto text = from.text(field);
  if (!text) return fallback;
  const auto parsed = parse_duration(*text);
  if (!parsed) {
    from.fail(field, parsed.error().message);
    return fallback;
  }
  if (*parsed <= Duration::zero()) from.fail(field, "must be greater than zero");
  return *parsed;
}

void read_leader_election(TreeReader& root, Reading& reading) {
  auto from = root.object("leaderElection");
  if (!from) return;
  from->boolean("leaderElect", true);
  const Duration lease = duration(*from, "leaseDuration", 15s);
  const Duration deadline = duration(*from, "renewDeadline", 10s);
  const Duration period = duration(*from, "retryPeriod", 2s);
  if (lease <= deadline) from->fail("leaseDuration", "must be greater than renewDeadline");
  if (deadline <= period) from->fail("renewDeadline", "must be greater than retryPeriod");
  from->one_of("resourceLock", "leases", {"leases"});
  from->text("resourceName");
  from->text("resourceNamespace");
  from->done();
  reading.notes.emplace_back(
      "leaderElection: has no effect: the schedulers of a cluster always elect one, in their own "
      "way");
}

// Settings of a process that runs by itself and threads that there are not.
void read_ineffective(TreeReader& root, Reading& reading) {
  if (root.has("parallelism")) {
    root.integer("parallelism", 1, INT32_MAX);
    reading.notes.emplace_back(
        "parallelism: has no effect: a decision is made on one thread, so that it can be repeated");
  }
  if (auto connection = root.object("clientConnection")) {
    for (const char* field : {"kubeconfig", "acceptContentTypes", "contentType"}) {
      connection->text(field);
    }
    connection->integer("burst", 0, INT32_MAX);
    connection->number("qps");
    connection->done();
    reading.notes.emplace_back(
        "clientConnection: has no effect: the scheduler is part of the control plane");
  }
  for (const char* field :
       {"enableProfiling", "enableContentionProfiling", "delayCacheUntilActive"}) {
    if (!root.has(field)) continue;
    root.boolean(field, false);
    reading.notes.push_back(std::string(field) + ": has no effect");
  }
}

void read_profiles(TreeReader& root, int32_t percentage, Reading& reading, Configuration& into) {
  std::vector<TreeReader> entries = root.objects("profiles");
  if (entries.empty()) {
    into.profiles.front().percentage_of_nodes_to_score = percentage;
    return;
  }
  into.profiles.clear();
  std::map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    TreeReader& entry = entries[i];
    ProfileConfig profile = read_profile(entry, percentage, reading);
    // As kube-scheduler: a profile that is alone may do without a name.
    if (!entry.has("schedulerName") && entries.size() > 1) {
      entry.fail("schedulerName", "must be set where there are several profiles");
    } else if (profile.scheduler_name.empty()) {
      entry.fail("schedulerName", "must not be empty");
    } else if (!names.emplace(profile.scheduler_name, i).second) {
      entry.fail("schedulerName",
                 "duplicate value: profiles[" + std::to_string(names[profile.scheduler_name]) +
                     "] has the name \"" + profile.scheduler_name + "\" already");
    }
    into.profiles.push_back(std::move(profile));
  }
}

// Makes the profiles once, for what only the plugins themselves know.
void try_profiles(TreeReader& root, const PluginRegistry& registry, const Configuration& config) {
  ProfilePtr first;
  for (std::size_t i = 0; i < config.profiles.size(); ++i) {
    const std::string place = "[" + std::to_string(i) + "].plugins";
    auto made = Profile::make(config.profiles[i].options, registry);
    if (!made) {
      root.fail_below("profiles", place, made.error().message);
      continue;
    }
    if (!first) first = *made;
    if ((*made)->sorter().name() != first->sorter().name()) {
      root.fail_below("profiles", place + ".queueSort",
                      "must be the same for all profiles, as there is one queue");
    }
  }
}

// As kube-scheduler does it.
void leave_to_extenders(Configuration& config) {
  for (const ExtenderConfig& extender : config.extenders) {
    for (const auto& resource : extender.managed_resources) {
      if (!resource.ignored_by_scheduler) continue;
      for (ProfileConfig& profile : config.profiles) {
        profile.options.args.node_resources_fit.ignored_resources.push_back(resource.name);
      }
    }
  }
}

}  // namespace

Profiles Configuration::make_profiles(const PluginRegistry& registry) const {
  std::vector<Profiles::Entry> entries;
  for (const ProfileConfig& profile : profiles) {
    entries.push_back({profile.scheduler_name, Profile::make(profile.options, registry).value(),
                       profile.percentage_of_nodes_to_score});
  }
  return Profiles::make(std::move(entries)).value();
}

Result<Configuration> parse_configuration(std::string_view text, std::string_view source,
                                          const PluginRegistry& registry) {
  return parse_configuration_in(text, source, {}, registry);
}

Result<Configuration> parse_configuration_in(std::string_view text, std::string_view source,
                                             const api::JsonPath& where,
                                             const PluginRegistry& registry) {
  std::vector<api::JsonProblem> duplicates;
  const api::ParsedJson parsed = api::parse_yaml(text, &duplicates);
  if (!parsed.error.empty()) return Error{Code::invalid, std::string(source) + ": " + parsed.error};
  Findings findings(text, source);
  for (api::JsonProblem& one : duplicates) {
    findings.add(std::move(one.path), std::move(one.message));
  }
  static const boost::json::value kNothing;
  const boost::json::value* tree = &parsed.value;
  for (const api::JsonStep& step : where) {
    const boost::json::object* object = tree->if_object();
    tree = object == nullptr ? nullptr : object->if_contains(step.key);
    if (tree == nullptr) tree = &kNothing;
  }
  Configuration config;
  Reading reading{registry, {}};
  TreeReader root(*tree, where, findings);
  read_type(root, where.empty());
  const auto percentage = root.integer("percentageOfNodesToScore", 0, 100);
  read_profiles(root, static_cast<int32_t>(percentage.value_or(0)), reading, config);
  read_backoff(root, config);
  config.extenders = read_extenders(root, reading);
  read_leader_election(root, reading);
  read_ineffective(root, reading);
  root.done();
  leave_to_extenders(config);
  if (findings.empty()) try_profiles(root, registry, config);
  if (!findings.empty()) return findings.error();
  config.notes = std::move(reading.notes);
  return config;
}

Status refuse_extenders(const Configuration& config, std::string_view text, std::string_view source,
                        std::string why) {
  if (config.extenders.empty()) return {};
  Findings findings(text, source);
  findings.add(api::JsonPath{api::JsonStep{"extenders"}}, std::move(why));
  return findings.error();
}

}  // namespace keelson::scheduler
