// Real programs: started, fed, waited for within a bound, and stopped by process id.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace keelson::hosts {

struct Outcome {
  int exit_code = -1;  // 128 + signal if it was killed; -1: it did not end in time
  std::string output;  // stdout and stderr, as they came
};

// By bash, with `environment` beside the test's own.
Outcome run(const std::string& command, const std::map<std::string, std::string>& environment = {},
            std::chrono::seconds limit = std::chrono::seconds(60));

// A program that goes on running. Ended (SIGTERM, then SIGKILL) with its object.
class Daemon {
 public:
  // Its output goes to `log_file`.
  Daemon(std::vector<std::string> command, std::string log_file);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  bool running();
  // Asks it to end and waits; its exit code.
  int stop();
  pid_t pid() const { return pid_; }
  std::string log() const;

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  std::string log_file_;
};

std::string read_file(const std::string& path);
// A new empty directory, removed with its object.
class TemporaryDir {
 public:
  TemporaryDir();
  ~TemporaryDir();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace keelson::hosts
