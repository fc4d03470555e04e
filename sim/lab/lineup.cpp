#include "sim/lab/lineup.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/lab/policies.hpp"

namespace keelson::lab {

namespace {

constexpr std::string_view kWeight = "weight.";
// Combinations beyond this are a mistake in a sweep.
constexpr std::size_t kContendersMax = 1'000;

Error bad(std::string message) {
  return {Code::invalid, std::move(message)};
}

std::optional<int64_t> whole(const std::string& text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  if (value < low || value > high) return std::nullopt;
  return value;
}

struct Chosen {
  Policy policy;
  std::optional<int32_t> percentage;  // that its configuration asks for
};

Result<Chosen> configured(const PolicyChoice& choice) {
  const auto read = scheduler::parse_configuration(choice.configuration, choice.file,
                                                   scheduler::default_plugins());
  if (!read) return read.error();
  const scheduler::ProfileConfig& profile = read->profiles.front();
  if (read->profiles.size() > 1) {
    return bad(choice.file + ": has " + std::to_string(read->profiles.size()) +
               " profiles; which of them is the policy? Leave one");
  }
  if (!read->extenders.empty())
    return bad(choice.file + ": extenders cannot be asked in an experiment");
  Chosen chosen{{choice.name, choice.file, profile.options}, std::nullopt};
  chosen.policy.backoff_initial = read->pod_initial_backoff;
  chosen.policy.backoff_max = read->pod_max_backoff;
  chosen.policy.notes = read->notes;
  if (profile.percentage_of_nodes_to_score != 0)
    chosen.percentage = profile.percentage_of_nodes_to_score;
  return chosen;
}

Result<Chosen> choose(const PolicyChoice& choice) {
  if (!choice.file.empty()) return configured(choice);
  if (const Policy* policy = find_policy(choice.name)) return Chosen{*policy, std::nullopt};
  std::string known;
  for (const Policy& policy : policies()) known += (known.empty() ? "" : ", ") + policy.name;
  return bad("--policies: there is no policy \"" + choice.name + "\"; there are " + known +
             " (or all), and files with a KubeSchedulerConfiguration");
}

Status set_weight(Policy& policy, const std::string& plugin, const std::string& value) {
  const auto weight = whole(value, 1, scheduler::kMaxPluginWeight);
  if (!weight) {
    return Status(Code::invalid, "--sweep weight." + plugin + ": \"" + value +
                                     "\" is no weight from 1 to " +
                                     std::to_string(scheduler::kMaxPluginWeight));
  }
  bool found = false;
  std::string known;
  const auto set_in = [&](std::vector<scheduler::PluginChoice>& plugins) {
    for (scheduler::PluginChoice& choice : plugins) {
      known += (known.empty() ? "" : ", ") + choice.name;
      if (choice.name != plugin) continue;
      choice.weight = static_cast<int32_t>(*weight);
      found = true;
    }
  };
  const auto score = policy.profile.points.find(scheduler::Point::score);
  const bool own = score != policy.profile.points.end();
  // Where the scores are replaced, those of the other plugins have no weight to set.
  const bool replaced = own && std::count(score->second.disabled.begin(),
                                          score->second.disabled.end(), "*") > 0;
  if (!replaced) set_in(policy.profile.plugins);
  if (own) set_in(score->second.enabled);
  if (found) return {};
  return Status(Code::invalid, "--sweep weight." + plugin + ": the policy " + policy.name +
                                   " has no such plugin that scores; it has " + known);
}

// Applies what is not a parameter of the file.
Status apply(const Setting& setting, Contender& contender) {
  if (setting.name == "nodes") {
    const auto nodes = whole(setting.value, 1, 100'000'000);
    if (!nodes)
      return Status(Code::invalid,
                    "--sweep nodes: \"" + setting.value + "\" is no number of nodes");
    contender.nodes = static_cast<std::size_t>(*nodes);
    return {};
  }
  if (setting.name == "percentageOfNodesToScore") {
    const auto percent = whole(setting.value, 0, 100);
    if (!percent) {
      return Status(Code::invalid, "--sweep percentageOfNodesToScore: \"" + setting.value +
                                       "\" is not from 0 to 100");
    }
    contender.experiment.options.percentage_of_nodes_to_score = static_cast<int32_t>(*percent);
    return {};
  }
  return set_weight(contender.policy, setting.name.substr(kWeight.size()), setting.value);
}

Status check(const Sweep& sweep, const std::map<std::string, std::string>& parameters) {
  if (parameters.contains(sweep.name) || sweep.name == "nodes" ||
      sweep.name == "percentageOfNodesToScore" || sweep.name.starts_with(kWeight)) {
    return {};
  }
  std::string known;
  for (const auto& parameter : parameters) {
    if (parameter.first == "nodes" || parameter.first == "percentageOfNodesToScore") continue;
    known += ", " + parameter.first;
  }
  return Status(Code::invalid, "--sweep " + sweep.name +
                                   ": there is nothing of this name to set; there are nodes, "
                                   "percentageOfNodesToScore, weight.PLUGIN" +
                                   known);
}

// All combinations of the sweeps' values, the last sweep fastest.
std::vector<std::vector<Setting>> combinations(const std::vector<Sweep>& sweeps) {
  std::vector<std::vector<Setting>> all{{}};
  for (const Sweep& sweep : sweeps) {
    std::vector<std::vector<Setting>> longer;
    for (const auto& settings : all) {
      for (const std::string& value : sweep.values) {
        longer.push_back(settings);
        longer.back().push_back({sweep.name, value});
      }
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace

Result<Sweep> parse_sweep(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return bad("--sweep " + text + ": expected NAME=a,b,c");
  Sweep sweep{text.substr(0, equals), {}};
  for (std::size_t at = equals + 1; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    sweep.values.push_back(text.substr(at, comma - at));
    if (sweep.values.back().empty()) return bad("--sweep " + text + ": a value is empty");
    if (std::count(sweep.values.begin(), sweep.values.end(), sweep.values.back()) > 1) {
      return bad("--sweep " + text + ": " + sweep.values.back() + " stands there twice");
    }
    at = comma + 1;
  }
  return sweep;
}

Result<std::vector<Contender>> line_up(const LineupRequest& request) {
  const auto base = parse_experiment(request.text, request.file, request.settings, request.lenient);
  if (!base) return base.error();
  std::size_t count = 1;
  for (const Sweep& sweep : request.sweeps) {
    if (const auto ok = check(sweep, base->parameters); !ok) return ok.error();
    if (request.settings.contains(sweep.name)) {
      return bad("--sweep " + sweep.name + ": --set gives it a value, too; leave one");
    }
    if (std::count_if(request.sweeps.begin(), request.sweeps.end(),
                      [&](const Sweep& s) { return s.name == sweep.name; }) > 1) {
      return bad("--sweep " + sweep.name + ": is given twice");
    }
    count *= sweep.values.size();
    if (count > kContendersMax) return bad("--sweep: more than a thousand combinations");
  }
  std::vector<PolicyChoice> choices = request.policies;
  if (choices.empty()) {
    for (const std::string& name : base->policies) choices.push_back({name, {}, {}});
  }
  if (choices.empty()) return bad("--policies: which? " + request.file + " names none");
  if (choices.size() == 1 && choices[0].name == "all" && choices[0].file.empty()) {
    choices.clear();
    for (const Policy& policy : policies()) choices.push_back({policy.name, {}, {}});
  }
  std::vector<Chosen> policies;
  for (const PolicyChoice& choice : choices) {
    auto chosen = choose(choice);
    if (!chosen) return chosen.error();
    const bool twice = std::any_of(policies.begin(), policies.end(), [&](const Chosen& c) {
      return c.policy.name == chosen->policy.name;
    });
    if (twice) return bad("--policies: " + chosen->policy.name + " stands there twice");
    policies.push_back(std::move(*chosen));
  }

  std::vector<Contender> contenders;
  for (const std::vector<Setting>& settings : combinations(request.sweeps)) {
    auto parameters = request.settings;
    for (const Setting& s : settings) {
      if (base->parameters.contains(s.name)) parameters[s.name] = s.value;
    }
    const auto experiment = parse_experiment(request.text, request.file, parameters, request.lenient);
    if (!experiment) return experiment.error();
    for (const Chosen& chosen : policies) {
      Contender contender{
          {chosen.policy.name, chosen.policy.source, settings, chosen.policy.notes},
          chosen.policy,
          *experiment,
          0};
      if (chosen.percentage)
        contender.experiment.options.percentage_of_nodes_to_score = *chosen.percentage;
      for (const Setting& s : settings) {
        if (base->parameters.contains(s.name)) continue;
        if (const auto ok = apply(s, contender); !ok) return ok.error();
      }
      contenders.push_back(std::move(contender));
    }
  }
  return contenders;
}

}  // namespace keelson::lab
