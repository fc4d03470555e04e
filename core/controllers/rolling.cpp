// The rolling update: bounds on how far the current ReplicaSet may grow and the old ones may
// shrink. Source of the arithmetic: Kubernetes' rolling.go and deployment_util.go.
#include <algorithm>
#include <numeric>

#include "core/base/seeded_bug.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

// How many pods the old ReplicaSets may give up together (DP-2). Pods of the current one that are
// not available count as missing: otherwise a broken new template eats up the old pods one failing
// replacement at a time (k8s#21810).
int32_t may_scale_down(const Rollout& rollout) {
  int32_t unavailable = 0;
  if (rollout.current) {
    unavailable = replicas_of(*rollout.current) - available_of(*rollout.current);
  }
  if (seeded(SeededBug::rollout_no_new_unavailable)) unavailable = 0;
  return rollout.total() - rollout.min_available() - unavailable;
}

// New sizes of rollout.old. Old pods that serve nobody go first; then available ones, as far as the
// availability that remains allows. Oldest ReplicaSets first in both rounds.
std::vector<int32_t> shrunk(const Rollout& rollout) {
  std::vector<int32_t> sizes;
  for (const RsRef& rs : rollout.old) sizes.push_back(replicas_of(*rs));
  int32_t budget = may_scale_down(rollout);
  for (std::size_t i = 0; i < sizes.size() && budget > 0; ++i) {
    const int32_t unhealthy = sizes[i] - available_of(*rollout.old[i]);
    const int32_t down = std::min(budget, unhealthy);
    sizes[i] -= down;
    budget -= down;
  }
  int32_t spare = std::min(budget, rollout.available() - rollout.min_available());
  for (std::size_t i = 0; i < sizes.size() && spare > 0; ++i) {
    const int32_t down = std::min(spare, sizes[i]);
    sizes[i] -= down;
    spare -= down;
  }
  return sizes;
}

}  // namespace

int32_t size_of_current(const Rollout& rollout) {
  const int32_t now = rollout.current ? replicas_of(*rollout.current) : 0;
  if (rollout.deployment->spec().strategy().type() == "Recreate") return rollout.replicas;
  if (now >= rollout.replicas) return rollout.replicas;
  // What the ReplicaSets ask for stays within R + S, and so do the pods that there are: one that
  // was given up counts until it is terminating (DP-1). Terminating pods do not count.
  const int32_t room = rollout.replicas + rollout.max_surge - rollout.occupied();
  if (room <= 0) return now;
  return now + std::min(room, rollout.replicas - now);
}

void roll(const Rollout& rollout, ProgressClock& progress, Plan* plan) {
  // One step at a time, and each from firm ground. Kubernetes decides on statuses that may describe
  // an earlier size; two quick changes of the template then make it count pods that are gone
  // already.
  const bool firm = rollout.all_settled();
  if (!rollout.current) {
    create_current(rollout, firm ? size_of_current(rollout) : 0, progress, plan);
    return;
  }
  if (firm) resize(rollout, rollout.current, size_of_current(rollout), plan);
  if (firm && plan->writes.empty()) {
    const std::vector<int32_t> sizes = shrunk(rollout);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] < replicas_of(*rollout.old[i])) resize(rollout, rollout.old[i], sizes[i], plan);
    }
  }
  if (plan->writes.empty() && complete(rollout, rollout.deployment->status())) {
    clean_history(rollout, plan);
  }
  sync_status(rollout, StatusMode::rollout, progress, plan);
}

}  // namespace keelson::controllers
