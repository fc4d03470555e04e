// The redis.conf of a redis-server that Keelson runs for itself: reached by a socket and, if several
// control planes share it, by TCP, with nothing but what the store needs (README: why each line).
// Starting and stopping the process is the caller's.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"

namespace keelson::redis {

struct ManagedOptions {
  enum class Profile : uint8_t {
    durable,  // every write is on disk before it is acknowledged: survives the loss of power
    dev,      // synced every second: a loss of power loses up to two seconds, which is then noticed
  };
  std::string directory;  // of its data: absolute, there, and nobody else's
  std::string socket;     // absolute; at most 107 bytes, the kernel's bound
  Profile profile = Profile::durable;
  uint64_t memory_max = 0;  // bytes, beyond which writes are refused; 0: no bound

  // Also at this IPv4 address; 0: not at all. Then only `user` gets in, with the password of which this
  // is the SHA-256 (64 hex digits), also by the socket; README, "Rights", says what it may do.
  std::string bind_address;
  uint16_t port = 0;
  std::string user, password_sha256;
};

// The text of the file. Start it as `redis-server FILE`: it stays in the foreground, logs to stdout
// and ends cleanly on SIGTERM. Code::invalid: a path that is not absolute, too long, or has control
// characters.
Result<std::string> managed_config(const ManagedOptions& options);

}  // namespace keelson::redis
