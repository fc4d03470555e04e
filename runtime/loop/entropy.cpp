#include "runtime/loop/entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "core/base/assert.hpp"

namespace keelson::runtime {

std::string random_bytes(std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t at = 0; at < bytes;) {
    const ssize_t got = getrandom(out.data() + at, bytes - at, 0);
    if (got < 0 && errno == EINTR) continue;
    KEELSON_ASSERT_WHY(got > 0, "the operating system gives no random bytes");
    at += static_cast<std::size_t>(got);
  }
  return out;
}

uint64_t entropy_seed() {
  uint64_t seed = 0;
  const std::string bytes = random_bytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace keelson::runtime
