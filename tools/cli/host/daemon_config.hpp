// The command line of a daemon: `--config FILE`, and the file's text.
#pragma once

#include <optional>
#include <string>

namespace keelson::cli {

struct DaemonCommand {
  const char* name;          // "node", as in `keelson node`
  const char* help;          // what it does, in a sentence
  const char* default_path;  // of its configuration
  const char* written_by;    // "keelson join"
};
struct DaemonConfig {
  std::string path, text;
};

// Nothing: there is nothing to run, and `exit_code` says how that ends; the user has been told.
std::optional<DaemonConfig> read_daemon_config(int argc, char** argv, const DaemonCommand& command,
                                               int& exit_code);

// Tells the user why a daemon cannot run. The exit code.
int daemon_fails(const DaemonCommand& command, const std::string& why);

}  // namespace keelson::cli
