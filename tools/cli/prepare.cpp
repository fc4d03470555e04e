#include "tools/cli/prepare.hpp"

#include <algorithm>
#include <iterator>

#include "core/base/seeded_bug.hpp"

namespace keelson::cli {

Status prepare(const sim::Invocation& invocation, sim::Scenario& scenario) {
  if (!invocation.profile.empty()) {
    if (invocation.profile != "kubernetes" && invocation.profile != "keelson") {
      return {Code::invalid,
              "--profile " + invocation.profile + ": expected kubernetes or keelson"};
    }
    scenario.world.kubernetes_profile = invocation.profile == "kubernetes";
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
