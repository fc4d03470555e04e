#include "runtime/host/facts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "core/api/quantity.hpp"
#include "runtime/host/proc.hpp"

namespace keelson::host {

namespace {

namespace fs = std::filesystem;

std::string kibibytes(uint64_t bytes) {
  return std::to_string(bytes / 1024) + "Ki";
}

int64_t processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max<int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN));
}

// As Go names them, and with it Kubernetes.
std::string architecture(const std::string& machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine.starts_with("armv")) return "arm";
  return machine;
}

// "hugepages-2Mi" -> bytes, of the sizes that the kernel knows.
std::map<std::string, uint64_t> huge_pages(const std::string& root) {
  std::map<std::string, uint64_t> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/sys/kernel/mm/hugepages", error)) {
    const std::string name = entry.path().filename();  // "hugepages-2048kB"
    const uint64_t kilobytes = number_after(name, "hugepages-").value_or(0);
    if (kilobytes == 0) continue;
    const auto size = api::QuantityValue::parse(std::to_string(kilobytes) + "Ki");
    const uint64_t count = number_after(trimmed(entry.path() / "nr_hugepages"), "").value_or(0);
    if (size.ok()) out["hugepages-" + size->to_string()] = count * kilobytes * 1024;
  }
  return out;
}

std::string os_name(const std::string& root) {
  std::string name = field(contents(root + "/etc/os-release"), "PRETTY_NAME=");
  if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
  return name.empty() ? "Linux" : name;
}

Status subtract(std::map<std::string, std::string>& from,
                const std::map<std::string, std::string>& amounts) {
  for (const auto& [name, text] : amounts) {
    const auto amount = api::QuantityValue::parse(text);
    if (!amount.ok()) {
      return {Code::invalid, fmt::format("reserved {} \"{}\" is no quantity", name, text)};
    }
    const auto at = from.find(name);
    if (at == from.end()) continue;  // there is none to reserve
    const auto there = api::QuantityValue::parse(at->second);
    const bool cpu = name == "cpu";
    const int64_t left = cpu ? there->milli_value() - amount->milli_value()
                             : there->value() - amount->value();
    if (left < 0) {
      return {Code::invalid, fmt::format("reserved {} \"{}\" is more than the host's {}", name, text,
                                         at->second)};
    }
    at->second = cpu ? std::to_string(left) + "m"
                     : left % 1024 == 0 ? kibibytes(static_cast<uint64_t>(left))
                                        : std::to_string(left);
  }
  return {};
}

}  // namespace

Result<Facts> read_facts(const FactsOptions& options) {
  const std::string& root = options.root;
  Facts out;
  utsname system{};
  uname(&system);
  out.hostname = system.nodename;
  const Result<Memory> memory = read_memory(root);
  if (!memory.ok()) return memory.error();

  out.capacity["cpu"] = std::to_string(processors());
  out.capacity["memory"] = kibibytes(memory->capacity_bytes);
  out.capacity["pods"] = std::to_string(options.max_pods);
  uint64_t huge = 0;
  for (const auto& [name, bytes] : huge_pages(root)) {
    out.capacity[name] = kibibytes(bytes);
    huge += bytes;
  }
  const agent::FilesystemStats disk = read_filesystem(options.disk);
  if (disk.capacity_bytes > 0) out.capacity["ephemeral-storage"] = kibibytes(disk.capacity_bytes);

  out.allocatable = out.capacity;
  if (Status status = subtract(out.allocatable, options.reserved); !status.ok()) {
    return status.error();
  }
  // Pages that were set apart are no memory for anything else.
  Status status = subtract(
      out.allocatable,
      {{"memory", std::to_string(std::min(huge, memory->capacity_bytes))},
       {"ephemeral-storage", std::to_string(disk.capacity_bytes / 100 *
                                            options.eviction.node_fs_available_percent)}});
  if (status.ok()) {
    status = subtract(out.allocatable,
                      {{"memory", std::to_string(options.eviction.memory_available_bytes)}});
  }
  if (!status.ok()) {
    return {Code::invalid, "too little is left for pods: " + status.message()};
  }

  api::NodeSystemInfo& info = out.info;
  std::string machine = trimmed(root + "/etc/machine-id");
  if (machine.empty()) machine = trimmed(root + "/var/lib/dbus/machine-id");
  if (machine.empty()) machine = out.hostname;
  std::string firmware = trimmed(root + "/sys/class/dmi/id/product_uuid");
  info.set_machine_id(machine);
  info.set_system_uuid(firmware.empty() ? machine : firmware);
  info.set_boot_id(trimmed(root + "/proc/sys/kernel/random/boot_id"));
  info.set_kernel_version(system.release);
  info.set_os_image(os_name(root));
  info.set_container_runtime_version(
      options.runtime_version.empty() ? "containerd://unknown" : options.runtime_version);
  info.set_kubelet_version(options.version);
  info.set_kube_proxy_version(options.version);
  info.set_operating_system("linux");
  info.set_architecture(architecture(system.machine));
  return out;
}

void fill(agent::AgentOptions& options, const Facts& facts) {
  options.capacity = facts.capacity;
  options.allocatable = facts.allocatable;
  options.node_info = facts.info;
  if (options.hostname.empty()) options.hostname = facts.hostname;
}

Result<std::string> address_towards(const std::string& peer) {
  const bool six = peer.find(':') != peer.npos;
  sockaddr_in6 to6{};
  sockaddr_in to4{};
  to6.sin6_family = AF_INET6;
  to4.sin_family = AF_INET;
  to6.sin6_port = to4.sin_port = htons(9);
  if (inet_pton(six ? AF_INET6 : AF_INET, peer.c_str(),
                six ? static_cast<void*>(&to6.sin6_addr) : &to4.sin_addr) != 1) {
    return {Code::invalid, "\"" + peer + "\" is no address"};
  }
  // Connecting a datagram socket only looks the route up.
  const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto* to = six ? reinterpret_cast<const sockaddr*>(&to6)
                       : reinterpret_cast<const sockaddr*>(&to4);
  sockaddr_in6 own{};
  socklen_t size = sizeof own;
  const bool found =
      fd >= 0 && connect(fd, to, six ? sizeof to6 : sizeof to4) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0;
  const int why = errno;
  if (fd >= 0) close(fd);
  if (!found) {
    return {Code::unavailable, "no way to " + peer + ": " + std::strerror(why)};  // NOLINT
  }
  char text[INET6_ADDRSTRLEN] = {};
  const void* address = six ? static_cast<const void*>(&own.sin6_addr)
                            : &reinterpret_cast<const sockaddr_in*>(&own)->sin_addr;
  inet_ntop(six ? AF_INET6 : AF_INET, address, text, sizeof text);
  return std::string(text);
}

}  // namespace keelson::host
