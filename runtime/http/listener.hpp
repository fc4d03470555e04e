// A listening TCP socket, and what is set on each connection that it gives.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"

namespace keelson::http {

struct Listener {
  int fd = -1;
  uint16_t port = 0;
};

// Non-blocking, closed on exec. `address` is numeric.
Result<Listener> listen_on(const std::string& address, uint16_t port);

struct Accepted {
  int fd = -1;  // -1: none is waiting, or it could not be taken (`error`)
  int error = 0;
  std::string peer;  // "10.0.0.7:50314", "[::1]:50314"
};
Accepted accept_one(int listener_fd);

}  // namespace keelson::http
