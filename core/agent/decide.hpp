// The pod worker's brain: what to do next about a pod, as a pure function of what is known about
// it.
#pragma once

#include <vector>

#include "core/agent/pod_state.hpp"

namespace keelson::agent {

struct Action {
  enum class Kind : uint8_t {
    set_up_volumes,
    run_sandbox,
    stop_sandbox,
    remove_sandbox,
    remove_volumes,
    prepare,  // references and image of a container
    create,
    start,
    stop,      // preStop first, if there is one
    stop_now,  // the hook has used up its time
    end_hook,  // postStart's sleep is over
    hurry,     // being stopped, but the grace has been shortened
    remove,
    stop_stray,
    remove_stray,
    delete_object,
  };
  Kind kind{};
  uint16_t index = 0;  // of the container or stray
  friend bool operator==(const Action&, const Action&) = default;
};

struct Decision {
  std::vector<Action> actions;  // to be begun now, in this order
  bool relist = false;          // the runtime must be listed before anything more can be decided
  Instant wake{};               // decide again then; zero: only when something happens
};

Decision decide(const PodState& state, Instant now);

}  // namespace keelson::agent
