#include "core/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace keelson {

void assertion_failed(const char* condition, const char* file, int line, const char* why) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s%s%s\n", file, line, condition,
               why ? ": " : "", why ? why : "");
  std::fflush(stderr);
  std::abort();
}

}  // namespace keelson
