// The command line of `keelson up`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.hpp"

namespace keelson::cli {

struct UpOptions {
  // A scenario's text, for sim::Setup, and what complaints about it call it.
  std::string cluster, cluster_source;
  uint64_t seed = 1;
  int64_t speed = 1'000;  // see sim/live/pacer.hpp
  bool paused = false;
  bool check = false;
  std::string record;  // a file; empty: nothing is recorded
  std::string bind = "127.0.0.1";
  uint16_t port = 6443;                   // 0: any free one
  std::optional<uint16_t> insecure_port;  // on the loopback interface
  std::string dir;                        // keys, certificates and the kubeconfig
  std::string kubeconfig;
  std::string access_log, audit_log;  // files, "-" is standard error; empty: none
};

// What there is to do: run, or print a text.
struct UpCommand {
  std::optional<UpOptions> run;
  std::string help;
};
// Error: `invalid`, one line that says what is wrong.
Result<UpCommand> parse_up(int argc, char** argv);

}  // namespace keelson::cli
