// The Redis that belongs to a control plane, where none was given.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

inline constexpr const char* kStoreUser = "keelson";

// Where other control planes reach it, by TCP and with a password. Port 0: they do not.
struct SharedStore {
  std::string address;
  uint16_t port = 0;
};

// Writes its configuration and, if it is shared, a new password for kStoreUser. The store's directory
// keeps what a reset has not removed.
Status prepare_redis(const Layout& layout, const SharedStore& shared);

}  // namespace keelson::cli
