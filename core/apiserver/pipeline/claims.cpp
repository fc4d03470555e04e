#include "core/apiserver/pipeline/claims.hpp"

#include <algorithm>

#include "core/api/device_claims.hpp"
#include "core/api/quantity.hpp"

namespace keelson::apiserver {

namespace {

using Resources = google::protobuf::Map<std::string, api::Quantity>;

// Amounts come from users and may be as large as they like. A sum that is too large for any node
// must not come round as one that fits.
int64_t plus(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a > 0 ? INT64_MAX : INT64_MIN;
}

int64_t& amount_of(Claims& claims, const std::string& resource) {
  if (resource == "cpu") return claims.milli_cpu;
  if (resource == "memory") return claims.memory;
  auto at =
      std::lower_bound(claims.others.begin(), claims.others.end(), resource,
                       [](const auto& entry, const std::string& r) { return entry.first < r; });
  if (at == claims.others.end() || at->first != resource) {
    at = claims.others.insert(at, {resource, 0});
  }
  return at->second;
}

// The additions commute, so the order of the protobuf map does not matter.
void add_resources(Claims& claims, const Resources& resources) {
  for (const auto& [name, quantity] : resources) {
    int64_t& amount = amount_of(claims, name);
    amount = plus(amount, name == "cpu" ? api::milli_value_of(quantity) : api::value_of(quantity));
  }
}

void raise_to(Claims& claims, const Claims& other) {
  claims.milli_cpu = std::max(claims.milli_cpu, other.milli_cpu);
  claims.memory = std::max(claims.memory, other.memory);
  for (const auto& [name, value] : other.others) {
    int64_t& mine = amount_of(claims, name);
    mine = std::max(mine, value);
  }
}

void add_ports(Claims& claims, const api::Container& container) {
  for (const auto& port : container.ports()) {
    if (port.host_port() <= 0) continue;
    claims.host_ports.push_back({port.host_ip().empty() ? "0.0.0.0" : port.host_ip(),
                                 port.protocol().empty() ? "TCP" : port.protocol(),
                                 port.host_port()});
  }
}

bool clash(const HostPort& a, const HostPort& b) {
  if (a.port != b.port || a.protocol != b.protocol) return false;
  return a.ip == b.ip || a.ip == "0.0.0.0" || b.ip == "0.0.0.0";
}

// The devices that the pod was given, if they are known, instead of their number.
void name_devices(Claims& claims, const api::ObjectMeta& pod) {
  for (auto it = claims.others.begin(); it != claims.others.end(); ++it) {
    if (it->first != api::kGpuResource) continue;
    const int64_t count = it->second;
    claims.others.erase(it);
    for (const auto& [name, amount] : api::device_claims(pod, count)) {
      amount_of(claims, name) = amount;
    }
    return;
  }
}

bool about_devices(const std::string& name) {
  return name == api::kGpuResource || api::claimed_device(name) >= 0;
}

int64_t available(const Resources& resources, const std::string& name) {
  const auto found = resources.find(name);
  if (found == resources.end()) return 0;
  return name == "cpu" ? api::milli_value_of(found->second) : api::value_of(found->second);
}

}  // namespace

void Claims::add(const Claims& more) {
  milli_cpu = plus(milli_cpu, more.milli_cpu);
  memory = plus(memory, more.memory);
  for (const auto& [name, value] : more.others) {
    int64_t& amount = amount_of(*this, name);
    amount = plus(amount, value);
  }
  host_ports.insert(host_ports.end(), more.host_ports.begin(), more.host_ports.end());
}

Claims claims_of(const api::Pod& pod) {
  Claims running, starting, sidecars;
  for (const auto& container : pod.spec().containers()) {
    add_resources(running, container.resources().requests());
    add_ports(running, container);
  }
  // Init containers run one after the other, beside the sidecars started before them (KEP-753).
  for (const auto& container : pod.spec().init_containers()) {
    Claims step;
    add_resources(step, container.resources().requests());
    if (container.restart_policy() == "Always") {
      running.add(step);
      sidecars.add(step);
      raise_to(starting, sidecars);
      add_ports(running, container);
    } else {
      step.add(sidecars);
      raise_to(starting, step);
    }
  }
  raise_to(running, starting);
  add_resources(running, pod.spec().overhead());
  name_devices(running, pod.metadata());
  return running;
}

std::string no_room(const api::Node& node, const Claims& taken, std::size_t pods_taken,
                    const Claims& pod) {
  // A node that reports no allocatable has all its capacity (SetDefaults_NodeStatus).
  const Resources& room =
      node.status().allocatable().empty() ? node.status().capacity() : node.status().allocatable();
  if (room.contains("pods") && static_cast<int64_t>(pods_taken) + 1 > available(room, "pods")) {
    return "Too many pods";
  }
  // Only what the pod asks for is checked: one that asks for nothing fits an overfull node.
  if (pod.milli_cpu > 0 && plus(taken.milli_cpu, pod.milli_cpu) > available(room, "cpu")) {
    return "Insufficient cpu";
  }
  if (pod.memory > 0 && plus(taken.memory, pod.memory) > available(room, "memory")) {
    return "Insufficient memory";
  }
  bool devices = false;
  for (const auto& [name, value] : pod.others) {
    if (about_devices(name)) {
      devices = devices || value > 0;
      continue;
    }
    int64_t used = 0;
    for (const auto& [other, amount] : taken.others) {
      if (other == name) used = amount;
    }
    if (value > 0 && plus(used, value) > available(room, name)) return "Insufficient " + name;
  }
  if (devices) {
    Claims both = taken;
    both.add(pod);
    const std::string what =
        api::overdrawn_device(both.others, available(room, api::kGpuResource));
    if (!what.empty()) return "Insufficient " + what;
  }
  for (const HostPort& mine : pod.host_ports) {
    for (const HostPort& other : taken.host_ports) {
      if (clash(mine, other)) return "node(s) didn't have free ports for the requested pod ports";
    }
  }
  return {};
}

}  // namespace keelson::apiserver
