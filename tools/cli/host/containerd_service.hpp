// The containerd that belongs to a node, where none was given: its own root, state and socket, so that
// whatever else runs on the host is not touched.
#pragma once

#include "core/base/result.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

// Writes its configuration.
Status prepare_containerd(const Layout& layout);

}  // namespace keelson::cli
