#include "tools/cli/prepare.hpp"

#include <algorithm>
#include <iterator>

#include "core/base/seeded_bug.hpp"
#include "core/scheduler/config/apply.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/lab/policies.hpp"

namespace keelson::cli {

namespace {

Status use_policy(const std::string& name, sim::WorldOptions& world) {
  const lab::Policy* policy = lab::find_policy(name);
  if (!policy) {
    std::string known;
    for (const lab::Policy& p : lab::policies()) known += (known.empty() ? "" : ", ") + p.name;
    return {Code::invalid, "--policy " + name + ": there is no such policy; there are " + known};
  }
  scheduler::Configuration configuration;
  configuration.profiles.front().options = policy->profile;
  world.scheduler_options = [configuration](scheduler::SchedulerOptions& options) {
    scheduler::apply(configuration, scheduler::default_plugins(), nullptr, options);
  };
  return {};
}

}  // namespace

Status prepare(const sim::Invocation& invocation, sim::Scenario& scenario) {
  if (!invocation.profile.empty()) {
    if (invocation.profile != "kubernetes" && invocation.profile != "keelson") {
      return {Code::invalid,
              "--profile " + invocation.profile + ": expected kubernetes or keelson"};
    }
    scenario.world.kubernetes_profile = invocation.profile == "kubernetes";
  }
  if (!invocation.policy.empty()) {
    if (const Status ok = use_policy(invocation.policy, scenario.world); !ok) return ok;
  }
  if (invocation.seed_bug.empty()) return {};
#ifdef KEELSON_SEEDED_BUGS
  const auto* bug =
      std::find_if(std::begin(kSeededBugs), std::end(kSeededBugs),
                   [&](const auto& known) { return known.name == invocation.seed_bug; });
  if (bug == std::end(kSeededBugs)) {
    return {Code::invalid, "--seed-bug " + invocation.seed_bug + ": there is no such bug"};
  }
  active_seeded_bug = bug->bug;
  return {};
#else
  return {Code::invalid, "this build has no seeded bugs (they are in the dev and test presets)"};
#endif
}

}  // namespace keelson::cli
