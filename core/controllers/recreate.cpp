// The Recreate strategy: first all old pods end, then the new ones start (DP-4).
#include <algorithm>

#include "core/controllers/pod_state.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

// Any old pod that may still run. Terminating and Unknown ones count: nobody has confirmed their
// end.
bool old_pods_running(const Rollout& rollout) {
  for (const RsRef& rs : rollout.old) {
    // Until its controller has acted on size 0 and reported it, it may be about to create a pod
    // that nobody has seen.
    if (rs->status().replicas() > 0 ||
        rs->status().observed_generation() < rs->metadata().generation()) {
      return true;
    }
    for (const auto& pod : rollout.view.owned_by<api::Pod>(rs.uid())) {
      if (!finished(*pod)) return true;
    }
  }
  return false;
}

}  // namespace

void recreate(const Rollout& rollout, ProgressClock& progress, Plan* plan) {
  for (const RsRef& rs : rollout.old) {
    if (replicas_of(*rs) > 0) resize(rollout, rs, 0, plan);
  }
  if (plan->writes.empty() && !old_pods_running(rollout)) {
    if (!rollout.current) {
      create_current(rollout, rollout.replicas, progress, plan);
      return;
    }
    resize(rollout, rollout.current, rollout.replicas, plan);
    if (plan->writes.empty() && complete(rollout, rollout.deployment->status())) {
      clean_history(rollout, plan);
    }
  }
  sync_status(rollout, StatusMode::rollout, progress, plan);
}

}  // namespace keelson::controllers
