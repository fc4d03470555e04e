#include "tools/cli/host/services.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/pki/files.hpp"

namespace keelson::cli {

namespace {

using namespace std::chrono_literals;

constexpr const char* kUnitDirectory = "/etc/systemd/system";

// Its exit code; -1: it could not be run.
int run(const std::vector<std::string>& command) {
  const pid_t child = ::fork();
  if (child < 0) return -1;
  if (child == 0) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t read_pid(const std::string& path) {
  std::ifstream in(path);
  pid_t pid = 0;
  in >> pid;
  return in ? pid : 0;
}

// Not one that has ended and that nobody has waited for yet.
bool alive(pid_t pid) {
  if (pid <= 0 || (::kill(pid, 0) != 0 && errno != EPERM)) return false;
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(in, stat);
  const std::size_t name_end = stat.rfind(')');
  return name_end == stat.npos || name_end + 2 >= stat.size() || stat[name_end + 2] != 'Z';
}

void write_pid(const std::string& path, pid_t pid) {
  std::ofstream(path, std::ios::trunc) << pid << '\n';
}

volatile sig_atomic_t asked_to_end = 0;

// Stands over one process until it is asked to end. Never returns.
[[noreturn]] void stand_over(const std::vector<std::string>& command, const std::string& main_pid_file) {
  struct sigaction action {};
  action.sa_handler = [](int) { asked_to_end = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  auto pause = 500ms;
  while (!asked_to_end) {
    const auto begun = std::chrono::steady_clock::now();
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
      // Not without somebody over it: it would be started a second time.
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(1);
      ::signal(SIGTERM, SIG_DFL);
      ::signal(SIGINT, SIG_DFL);
      std::vector<char*> argv;
      for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      ::execvp(argv[0], argv.data());
      std::fprintf(stderr, "cannot run %s: %s\n", argv[0], std::strerror(errno));
      ::_exit(127);
    }
    if (child < 0) {
      std::this_thread::sleep_for(1s);
      continue;
    }
    write_pid(main_pid_file, child);
    int status = 0;
    bool told = false;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
      if (asked_to_end && !std::exchange(told, true)) ::kill(child, SIGTERM);
    }
    if (asked_to_end) {
      if (!told && alive(child)) ::kill(child, SIGTERM);
      break;
    }
    const auto lived = std::chrono::steady_clock::now() - begun;
    pause = lived > 60s ? 500ms : std::min(pause * 2, std::chrono::milliseconds(10s));
    std::fprintf(stderr, "%s ended (status %d) and is started again\n", command[0].c_str(), status);
    std::this_thread::sleep_for(pause);
  }
  ::unlink(main_pid_file.c_str());
  ::_exit(0);
}

std::string quoted(const std::string& word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;  // systemd's own
    out += c;
  }
  return out + '"';
}

}  // namespace

Services::Kind Services::kind_for(const Layout& layout) {
  struct stat found {};
  const bool systemd = ::stat("/run/systemd/system", &found) == 0;
  return systemd && layout.root.empty() ? Kind::systemd : Kind::plain;
}

std::string Services::unit_file(const std::string& name) const {
  return std::string(kUnitDirectory) + "/" + name + ".service";
}
std::string Services::pid_file(const std::string& name) const {
  return layout_.run() + "/" + name + ".pid";
}
std::string Services::log_file(const std::string& name) const {
  return layout_.log() + "/" + name + ".log";
}

Status Services::start(const ServiceSpec& service) {
  return kind_ == Kind::systemd ? start_unit(service) : start_plain(service);
}

Status Services::start_unit(const ServiceSpec& service) {
  std::ostringstream unit;
  unit << "# Written by keelson.\n[Unit]\nDescription=" << service.description << '\n';
  unit << "After=network-online.target";
  for (const std::string& other : service.after) unit << ' ' << other << ".service";
  unit << "\nWants=network-online.target";
  for (const std::string& other : service.after) unit << ' ' << other << ".service";
  unit << "\n\n[Service]\nExecStart=";
  for (const std::string& word : service.command) unit << quoted(word) << ' ';
  unit << "\nRestart=always\nRestartSec=1\nLimitNOFILE=1048576\nDelegate=yes\nOOMScoreAdjust=-999\n";
  if (service.leaves_children) unit << "KillMode=process\nTasksMax=infinity\n";
  unit << "\n[Install]\nWantedBy=multi-user.target\n";
  std::ofstream out(unit_file(service.name), std::ios::trunc);
  out << unit.str();
  out.close();
  if (!out) return {Code::unavailable, "cannot write " + unit_file(service.name)};
  if (run({"systemctl", "daemon-reload"}) != 0 ||
      run({"systemctl", "enable", "--quiet", service.name}) != 0 ||
      run({"systemctl", "restart", service.name}) != 0) {
    return {Code::unavailable, "systemctl could not start " + service.name + "; see systemctl status " +
                                   service.name};
  }
  return {};
}

Status Services::start_plain(const ServiceSpec& service) {
  for (const std::string& directory : {layout_.run(), layout_.log()}) {
    if (Status made = runtime::make_private_directory(directory); !made) return made;
  }
  if (alive(read_pid(pid_file(service.name)))) {
    return {Code::exists, service.name + " runs already"};
  }
  const int out = ::open(log_file(service.name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) {
    return {Code::unavailable, "cannot write " + log_file(service.name) + ": " + std::strerror(errno)};
  }
  const pid_t first = ::fork();
  if (first < 0) return {Code::unavailable, std::string("cannot fork: ") + std::strerror(errno)};
  if (first == 0) {
    ::setsid();
    const pid_t second = ::fork();
    if (second != 0) ::_exit(second < 0 ? 1 : 0);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    for (int fd = 3; fd < 256; ++fd) ::close(fd);
    if (::chdir("/") != 0) ::_exit(1);
    write_pid(pid_file(service.name), ::getpid());
    stand_over(service.command, layout_.run() + "/" + service.name + ".main.pid");
  }
  int status = 0;
  ::waitpid(first, &status, 0);
  ::close(out);
  if (status != 0) return {Code::unavailable, "cannot start " + service.name};
  for (int i = 0; i < 100 && !running(service.name); ++i) std::this_thread::sleep_for(10ms);
  return {};
}

Status Services::stop(const std::string& name) {
  if (kind_ == Kind::systemd) {
    struct stat found {};
    if (::stat(unit_file(name).c_str(), &found) != 0) return {};
    if (run({"systemctl", "disable", "--now", "--quiet", name}) != 0) {
      return {Code::unavailable, "systemctl could not stop " + name};
    }
    ::unlink(unit_file(name).c_str());
    run({"systemctl", "daemon-reload"});
    return {};
  }
  halt_plain(name);
  return {};
}

Status Services::halt(const std::string& name) {
  if (kind_ == Kind::plain) {
    halt_plain(name);
  } else if (run({"systemctl", "stop", name}) != 0) {
    return {Code::unavailable, "systemctl could not stop " + name};
  }
  return {};
}

void Services::halt_plain(const std::string& name) {
  const pid_t pid = read_pid(pid_file(name));
  if (alive(pid)) {
    ::kill(pid, SIGTERM);
    for (int i = 0; i < 300 && alive(pid); ++i) {
      // One that we have started ourselves stays a zombie until it is waited for.
      ::waitpid(pid, nullptr, WNOHANG);
      std::this_thread::sleep_for(100ms);
    }
    if (alive(pid)) {
      if (const pid_t main = read_pid(layout_.run() + "/" + name + ".main.pid"); alive(main)) {
        ::kill(main, SIGKILL);
      }
      ::kill(pid, SIGKILL);
    }
  }
  ::unlink(pid_file(name).c_str());
}

bool Services::running(const std::string& name) const {
  if (kind_ == Kind::systemd) return run({"systemctl", "is-active", "--quiet", name}) == 0;
  return alive(read_pid(pid_file(name)));
}

std::string Services::log_of(const std::string& name) const {
  return kind_ == Kind::systemd ? "journalctl -u " + name : log_file(name);
}

std::string Services::last_words(const std::string& name) const {
  if (kind_ == Kind::systemd) return {};
  std::ifstream in(log_file(name), std::ios::binary | std::ios::ate);
  if (!in) return {};
  constexpr std::streamoff kLast = 2000;
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - kLast));
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace keelson::cli
