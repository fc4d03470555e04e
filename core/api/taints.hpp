// Taints of nodes and the tolerations of pods: asked by the controller that evicts and by the agent
// that admits. (The scheduler compares its own compact forms of them.)
#pragma once

#include "core/api/types.hpp"

namespace keelson::api {

// Source: k8s.io/api core/v1 Toleration.ToleratesTaint.
bool tolerates(const Toleration& toleration, const Taint& taint);
// Whether any of the pod's tolerations covers the taint, for however long.
bool tolerates(const PodSpec& spec, const Taint& taint);

}  // namespace keelson::api
