// How far a rollout is, in kubectl's words. Source: polymorphichelpers/rollout_status.go, observed.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

struct RolloutState {
  std::string text;  // one line, with its newline
  bool done = false;
};

// Of a Deployment, DaemonSet or StatefulSet. Error: it has failed (`deployment "x" exceeded its
// progress deadline`), or objects of this kind have no rollouts.
Result<RolloutState> rollout_state(const Json& object);

}  // namespace keelson::cli
