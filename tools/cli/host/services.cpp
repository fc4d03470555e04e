#include "tools/cli/host/services.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/pki/files.hpp"
#include "tools/cli/host/overseer.hpp"
#include "tools/cli/host/pid_file.hpp"
#include "tools/cli/host/service_log.hpp"

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
std::string Services::main_pid_file(const std::string& name) const {
  return layout_.run() + "/" + name + ".main.pid";
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
  if (running(service.name)) {
    return {Code::exists, service.name + " runs already"};
  }
  const int out = open_log(log_file(service.name));
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
    stand_over({service.command, pid_file(service.name), main_pid_file(service.name), log_file(service.name)});
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
  const std::string file = pid_file(name);
  if (const pid_t pid = read_pid(file); pid > 0) {
    ::kill(pid, SIGTERM);
    for (int i = 0; i < 300 && read_pid(file) == pid; ++i) std::this_thread::sleep_for(100ms);
    if (read_pid(file) == pid) {
      if (const pid_t main = read_pid(main_pid_file(name)); main > 0) ::kill(main, SIGKILL);
      ::kill(pid, SIGKILL);
      remove_pid(main_pid_file(name));
    }
  }
  remove_pid(file);
}

bool Services::running(const std::string& name) const {
  if (kind_ == Kind::systemd) return run({"systemctl", "is-active", "--quiet", name}) == 0;
  return read_pid(pid_file(name)) > 0;
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
