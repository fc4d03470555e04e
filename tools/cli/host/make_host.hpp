// What init and join do alike once their options are read.
#pragma once

#include <cstdio>

#include "core/base/result.hpp"
#include "tools/cli/host/foreground.hpp"

namespace keelson::cli {

// Runs `making` to its end; with `foreground` stays until somebody wants it to end. What a failure has
// started is ended, and what it has made is named. The exit code.
template <class Making>
int make_host(const char* command, Making& making, bool foreground) {
  Foreground stay;
  if (const Status done = making.run(); !done) {
    std::fprintf(stderr, "keelson %s: %s\n", command, done.message().c_str());
    if (making.made()) {
      making.end();
      std::fputs("`keelson reset` removes what was made\n", stderr);
    }
    return 1;
  }
  if (foreground) {
    stay.wait();
    making.end();
  }
  return 0;
}

}  // namespace keelson::cli
