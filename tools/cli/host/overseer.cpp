#include "tools/cli/host/overseer.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "tools/cli/host/pid_file.hpp"
#include "tools/cli/host/service_log.hpp"

namespace keelson::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kLookAtLog = 60s;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

// Signals are blocked all the time and taken here, so that none is lost between a look and a wait.
// 0: none came in time.
int next_signal(const sigset_t& set, std::chrono::milliseconds within) {
  const timespec time{.tv_sec = within / 1s, .tv_nsec = (within % 1s) / 1ns};
  const int signal = ::sigtimedwait(&set, nullptr, &time);
  return std::max(signal, 0);
}

[[noreturn]] void become(const std::vector<std::string>& command, pid_t parent, const sigset_t& signals) {
  // Not without somebody over it: it would be started a second time.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  std::fprintf(stderr, "cannot run %s: %s\n", argv[0], std::strerror(errno));
  ::_exit(127);
}

}  // namespace

void stand_over(const Overseen& service) {
  const sigset_t all = set_of({SIGTERM, SIGINT, SIGCHLD});
  const sigset_t endings = set_of({SIGTERM, SIGINT});
  // Whoever has started us may have ignored them; a child that is ignored cannot be waited for.
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) ::signal(signal, SIG_DFL);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  write_pid(service.pid_file, ::getpid());  // from here on we can be asked to end
  std::chrono::milliseconds pause = 500ms;
  for (bool told = false; !told;) {
    shorten_log(service.log_file);
    const auto begun = Clock::now();
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) become(service.command, parent, all);
    int status = 0;
    if (child > 0) {
      write_pid(service.main_pid_file, child);
      while (::waitpid(child, &status, WNOHANG) == 0) {
        const int signal = next_signal(all, kLookAtLog);
        if (signal == 0) shorten_log(service.log_file);
        if ((signal == SIGTERM || signal == SIGINT) && !std::exchange(told, true)) ::kill(child, SIGTERM);
      }
      if (told) break;
      std::fprintf(stderr, "%s ended (status %d) and is started again\n", service.command[0].c_str(), status);
    }
    pause = Clock::now() - begun > 60s ? 500ms : std::min<std::chrono::milliseconds>(pause * 2, 10s);
    told = next_signal(endings, pause) != 0;
  }
  remove_pid(service.main_pid_file);
  ::_exit(0);
}

}  // namespace keelson::cli
