// For `--foreground`: waits until somebody wants the command to end.
#pragma once

#include <csignal>

namespace keelson::cli {

// SIGINT or SIGTERM.
class Foreground {
 public:
  Foreground() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
  }
  void wait() {
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    int which = 0;
    ::sigwait(&signals_, &which);
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }

 private:
  sigset_t signals_{};
};

}  // namespace keelson::cli
