#include "tools/cli/host/host.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace keelson::cli {

namespace {

bool is_there(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

void need_root(std::vector<std::string>& missing) {
  if (::geteuid() != 0) missing.emplace_back("not root: run it with sudo");
}

void need_program(std::vector<std::string>& missing, const char* program, const char* package) {
  if (find_program(program).empty()) {
    missing.push_back(std::string(program) + " is not installed: apt-get install " + package);
  }
}

}  // namespace

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  std::string out = name;
  // Names of Nodes are DNS names.
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = '-';
  }
  return out;
}

std::string default_address() {
  // A UDP socket that is connected has been given a source address, and nothing has been sent. The
  // destination is one that is_there nowhere (RFC 5737).
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  ::inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
  std::string out;
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0) {
    char text[INET_ADDRSTRLEN] = "";
    out = ::inet_ntop(AF_INET, &own.sin_addr, text, sizeof text);
  }
  ::close(fd);
  return out;
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path ? path : "") + ":/usr/sbin:/sbin:/usr/local/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = folder + "/" + name;
    if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

std::string own_path() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string("keelson");
}

bool port_free(const std::string& address, uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return bound;
}

bool valid_address(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}

std::vector<std::string> missing_for_control_plane(bool needs_redis,
                                                   const std::string& bind_address,
                                                   uint16_t port) {
  std::vector<std::string> missing;
  need_root(missing);
  if (needs_redis) need_program(missing, "redis-server", "redis-server");
  if (!port_free(bind_address, port)) {
    missing.push_back("port " + std::to_string(port) + " is taken: choose another with --port, or end what "
                      "has it (ss -ltnp)");
  }
  return missing;
}

std::vector<std::string> missing_for_node(bool needs_containerd, uint16_t port) {
  std::vector<std::string> missing;
  need_root(missing);
  if (needs_containerd) need_program(missing, "containerd", "containerd");
  need_program(missing, "runc", "runc");
  need_program(missing, "iptables", "iptables");
  if (!is_there("/usr/lib/cni/bridge") && !is_there("/opt/cni/bin/bridge")) {
    missing.emplace_back(
        "the CNI plugins are not installed: apt-get install containernetworking-plugins");
  }
  if (!is_there("/sys/fs/cgroup/cgroup.controllers") && !is_there("/sys/fs/cgroup/memory")) {
    missing.emplace_back("no cgroup hierarchy is mounted below /sys/fs/cgroup");
  }
  if (!port_free("0.0.0.0", port)) {
    missing.push_back("port " + std::to_string(port) + " is taken: does another agent run here?");
  }
  return missing;
}

bool fit(const std::string& command, const std::vector<std::string>& missing) {
  if (missing.empty()) return true;
  std::fprintf(stderr, "keelson %s: this host is not ready:\n", command.c_str());
  for (const std::string& one : missing) std::fprintf(stderr, "  - %s\n", one.c_str());
  return false;
}

}  // namespace keelson::cli
