// The Secrets and ConfigMaps that a pod names anywhere: what its node must be able to read.
#pragma once

#include <functional>
#include <string>

#include "core/api/types.hpp"

namespace keelson::auth {

// Until `visit` returns false; then false. All are in the pod's namespace. Finds them by what the
// messages are called, so that a new kind of volume is found by itself.
bool each_reference(const api::PodSpec& spec,
                    const std::function<bool(api::Kind kind, const std::string& name)>& visit);

}  // namespace keelson::auth
