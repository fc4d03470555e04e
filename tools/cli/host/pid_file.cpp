#include "tools/cli/host/pid_file.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace keelson::cli {

namespace {

std::string start_file(const std::string& path) { return path + ".start"; }

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Which boot, and how many clock ticks after it; empty: there is no such process, or it has ended and nobody
// has waited for it yet.
std::string start_of(pid_t pid) {
  const std::string stat = first_line("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');  // the name may contain anything
  if (name_end == stat.npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  constexpr int kState = 3, kStart = 22;
  for (int i = kState; i <= kStart; ++i) {
    if (!(fields >> field)) return {};
    if (i == kState && (field == "Z" || field == "X")) return {};
  }
  return first_line("/proc/sys/kernel/random/boot_id") + ' ' + field;
}

}  // namespace

void write_pid(const std::string& path, pid_t pid) {
  // In this order a reader in between sees a process that does not fit, never a stranger that does.
  std::ofstream(start_file(path), std::ios::trunc) << start_of(pid) << '\n';
  std::ofstream(path, std::ios::trunc) << pid << '\n';
}

pid_t read_pid(const std::string& path) {
  std::ifstream in(path);
  pid_t pid = 0;
  if (!(in >> pid) || pid <= 0) return 0;
  const std::string start = start_of(pid);
  return !start.empty() && start == first_line(start_file(path)) ? pid : 0;
}

void remove_pid(const std::string& path) {
  ::unlink(path.c_str());
  ::unlink(start_file(path).c_str());
}

}  // namespace keelson::cli
