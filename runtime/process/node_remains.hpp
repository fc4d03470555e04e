// What a node leaves on its host when its agent has ended: for `keelson reset`.
#pragma once

#include "core/base/result.hpp"
#include "runtime/process/config.hpp"

namespace keelson::runtime {

// Stops and removes the node's containers and sandboxes, then its rules, routes and bridge. Takes up to
// two minutes. What could not be removed is the error; the rest is done all the same. REQUIRES: the agent
// does not run; its containerd does.
Status remove_node_remains(const NodeConfig& config);

}  // namespace keelson::runtime
