// The process that stands over a service where there is no systemd: starts it again when it ends.
#pragma once

#include <string>
#include <vector>

namespace keelson::cli {

struct Overseen {
  std::vector<std::string> command;
  std::string pid_file;       // of this process
  std::string main_pid_file;  // of the service
  std::string log_file;       // to which both write already
};

// Stands over the service until it is asked to end (SIGTERM, SIGINT), then ends it and itself. Pauses between
// starts grow from 1 to 10 s while the service lives less than a minute. REQUIRES: a process of one thread
// that has nothing else to do.
[[noreturn]] void stand_over(const Overseen& service);

}  // namespace keelson::cli
