// Ephemeral containers as containers: the two have the same fields and no common type.
#pragma once

#include "core/api/types.hpp"

namespace keelson::api {

Container as_container(const EphemeralContainer& ephemeral);

}  // namespace keelson::api
