// The Redis that belongs to a control plane, where none was given.
#pragma once

#include "core/base/result.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

// Writes its configuration. The store's directory keeps what a reset has not removed.
Status prepare_redis(const Layout& layout);

}  // namespace keelson::cli
