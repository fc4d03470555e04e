#include "tools/hosts/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace keelson::hosts {

namespace {

using Clock = std::chrono::steady_clock;

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// False: it still runs.
bool wait_until(pid_t pid, Clock::time_point deadline, int& status) {
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// The process's own environment with `more` in it: "NAME=value" each.
std::vector<std::string> merged(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string text = *one;
    if (!more.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

}  // namespace

Outcome run(const std::string& command, const std::map<std::string, std::string>& environment,
            std::chrono::seconds limit) {
  Outcome outcome;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return outcome;
  // Made before the fork: other threads may hold locks that the child would wait for.
  const std::vector<std::string> variables = merged(environment);
  std::vector<char*> envp;
  for (const std::string& one : variables) envp.push_back(const_cast<char*>(one.c_str()));
  envp.push_back(nullptr);
  const char* const argv[] = {"bash", "-c", command.c_str(), nullptr};
  const pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    execve("/bin/bash", const_cast<char* const*>(argv), envp.data());
    _exit(127);
  }
  close(ends[1]);
  const auto deadline = Clock::now() + limit;
  char buffer[65536];
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd fd{ends[0], POLLIN, 0};
    if (left <= 0 || poll(&fd, 1, static_cast<int>(left)) <= 0) break;
    const ssize_t got = read(ends[0], buffer, sizeof buffer);
    if (got <= 0) break;
    outcome.output.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  if (wait_until(pid, std::max(deadline, Clock::now() + std::chrono::milliseconds(100)), status)) {
    outcome.exit_code = code_of(status);
  } else {
    kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  return outcome;
}

Daemon::Daemon(std::vector<std::string> command, std::string log_file)
    : log_file_(std::move(log_file)) {
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that is killed leaves no daemon behind
    const int log = open(log_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
}

Daemon::~Daemon() { stop(); }

bool Daemon::running() {
  if (pid_ <= 0) return false;
  if (waitpid(pid_, &status_, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

int Daemon::stop() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    if (!wait_until(pid_, Clock::now() + std::chrono::seconds(10), status_)) {
      kill(pid_, SIGKILL);
      waitpid(pid_, &status_, 0);
    }
    pid_ = -1;
  }
  return code_of(status_);
}

std::string Daemon::log() const { return read_file(log_file_); }

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TemporaryDir::TemporaryDir() {
  path_ = (std::filesystem::temp_directory_path() / "keelson-e2e-XXXXXX").string();
  if (!mkdtemp(path_.data())) path_.clear();
}

TemporaryDir::~TemporaryDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace keelson::hosts
