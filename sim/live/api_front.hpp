// The real front of a simulated API server: the Kubernetes API as core/rest serves it, with access
// control.
#pragma once

#include <optional>

#include "core/auth/jwt.hpp"
#include "sim/live/live_world.hpp"
#include "sim/live/setup.hpp"

namespace keelson::sim {

// A session of that setup. `keys` sign the tokens of service accounts; they do not influence the
// run. Without keys there is no access control at all: everybody may do everything. Error:
// `invalid`, naming the field of the cluster's text; `source` is what complaints call it.
Result<LiveOptions> live_options(const Setup& setup, const std::string& source,
                                 std::optional<auth::JwtKeys> keys);

}  // namespace keelson::sim
