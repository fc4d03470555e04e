// explain pod NAME: why a pod is, or is not, where it is. The scheduler's own decision, made again
// here on what the API (or a dump of it) shows: nothing is changed, and any Kubernetes cluster will do.
#pragma once

#include "tools/cli/cluster/session.hpp"

namespace keelson::cli {

// `pod POD` or `pod/POD`: words that mean a pod of the cluster, not the kind.
bool names_a_pod(const std::vector<std::string>& words);
Status explain_pod(Session& session);

}  // namespace keelson::cli
