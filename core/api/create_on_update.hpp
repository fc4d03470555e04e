// Which kinds a PUT creates where there is no object of that name.
#pragma once

#include "core/api/types.hpp"

namespace keelson::api {

bool creates_on_update(Kind kind);

}  // namespace keelson::api
