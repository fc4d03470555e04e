#include "core/apiserver/pipeline/service_addresses.hpp"

#include <algorithm>
#include <boost/container/flat_set.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <charconv>

#include "core/api/validate/errors.hpp"
#include "core/apiserver/pipeline/claim_lease.hpp"

namespace keelson::apiserver {

namespace {

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number > 255) return std::nullopt;
    address = address << 8 | number;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (part == 3) break;
    if (text.empty() || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  return text.empty() ? std::optional(address) : std::nullopt;
}

std::string format_ipv4(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address >> shift & 255);
    if (shift > 0) text += '.';
  }
  return text;
}

struct Range {
  uint32_t first = 0;  // usable: neither the network's own address nor the broadcast address
  uint32_t count = 0;
};

Range service_range(const ApiServerOptions& options) {
  const uint32_t network = parse_ipv4(options.service_network).value_or(0x0a600000);
  const int bits = 32 - options.service_prefix;
  KEELSON_ASSERT(bits >= 2 && bits <= 24);
  return {network + 1, (uint32_t{1} << bits) - 2};
}

bool wants_address(const api::ServiceSpec& spec) {
  return spec.type() != "ExternalName" && spec.cluster_ip() != "None";
}

bool has_node_ports(const api::ServiceSpec& spec) {
  return spec.type() == "NodePort" || spec.type() == "LoadBalancer";
}

// A load balancer may reach its pods without node ports, but those that its writer chooses count.
bool wants_node_ports(const api::ServiceSpec& spec) {
  return spec.type() == "NodePort" ||
         (spec.type() == "LoadBalancer" && spec.allocate_load_balancer_node_ports());
}

bool reachable_from_outside(const api::ServiceSpec& spec) {
  return has_node_ports(spec) || (spec.type() == "ClusterIP" && !spec.external_ips().empty());
}

boost::container::flat_set<int32_t> node_ports_of(const api::ServiceSpec& spec) {
  boost::container::flat_set<int32_t> ports;
  for (const auto& port : spec.ports()) {
    if (port.node_port() != 0) ports.insert(port.node_port());
  }
  return ports;
}

struct Used {
  boost::unordered_flat_set<std::string> addresses;
  boost::unordered_flat_set<int32_t> ports;
};

// Of all services but the one that is written.
Used used_by_others(const WatchCache& cache, const ObjectMeta& self) {
  Used used;
  for (const auto& [name, object] : cache.objects(Kind::services)) {
    if (name.ns == self.namespace_() && name.name == self.name()) continue;
    const auto& spec = object->as<api::Service>().spec();
    if (!spec.cluster_ip().empty() && spec.cluster_ip() != "None") {
      used.addresses.insert(spec.cluster_ip());
    }
    for (const auto& port : spec.ports()) {
      if (port.node_port() != 0) used.ports.insert(port.node_port());
    }
  }
  return used;
}

// What the service had and does not mention: clients that replace a service leave out what the
// server filled in. Source: patchAllocatedValues in pkg/registry/core/service/storage.
void keep_allocated(api::ServiceSpec& spec, const api::ServiceSpec& before) {
  if (wants_address(before) && spec.type() != "ExternalName") {
    if (spec.cluster_ip().empty()) spec.set_cluster_ip(before.cluster_ip());
    if (spec.cluster_ips().empty() && spec.cluster_ip() == before.cluster_ip()) {
      *spec.mutable_cluster_ips() = before.cluster_ips();
    }
  }
  // A writer of the older field alone leaves the list as it was.
  if (!spec.cluster_ip().empty() && spec.cluster_ip() != before.cluster_ip() &&
      spec.cluster_ips_size() == 1 && before.cluster_ips_size() == 1 &&
      spec.cluster_ips(0) == before.cluster_ips(0)) {
    spec.set_cluster_ips(0, spec.cluster_ip());
  }
  if (!has_node_ports(spec) || !has_node_ports(before)) return;
  // A port is known by its name, whatever else of it has changed.
  auto used = node_ports_of(spec);
  for (auto& port : *spec.mutable_ports()) {
    if (port.node_port() != 0) continue;
    for (const auto& old : before.ports()) {
      if (old.name() != port.name() || old.node_port() == 0) continue;
      if (used.insert(old.node_port()).second) port.set_node_port(old.node_port());
      break;
    }
  }
}

// What a service of another type than before does not need any more, and would be refused for. Only
// what the writer left as it was is dropped: a value of his own choice is for validation to judge.
// Source: dropTypeDependentFields in pkg/registry/core/service/strategy.go.
void drop_unneeded(api::Service& service, const api::ServiceSpec& before) {
  api::ServiceSpec& spec = *service.mutable_spec();
  const auto same_list = [](const auto& a, const auto& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  if (spec.type() == "ExternalName" && before.type() != "ExternalName") {
    if (spec.cluster_ip() == before.cluster_ip() &&
        same_list(spec.cluster_ips(), before.cluster_ips())) {
      spec.clear_cluster_ip();
      spec.clear_cluster_ips();
    }
    if (same_list(spec.ip_families(), before.ip_families())) spec.clear_ip_families();
    if (spec.ip_family_policy() == before.ip_family_policy()) spec.clear_ip_family_policy();
  }
  if (has_node_ports(before) && !has_node_ports(spec)) {
    const auto old = node_ports_of(before), now = node_ports_of(spec);
    if (std::includes(old.begin(), old.end(), now.begin(), now.end())) {
      for (auto& port : *spec.mutable_ports()) port.clear_node_port();
    }
  }
  const auto local_balancer = [](const api::ServiceSpec& one) {
    return one.type() == "LoadBalancer" && one.external_traffic_policy() == "Local";
  };
  if (local_balancer(before) && !local_balancer(spec) &&
      spec.health_check_node_port() == before.health_check_node_port()) {
    spec.clear_health_check_node_port();
  }
  if (before.type() == "LoadBalancer" && spec.type() != "LoadBalancer") {
    if (spec.allocate_load_balancer_node_ports() == before.allocate_load_balancer_node_ports()) {
      spec.clear_allocate_load_balancer_node_ports();
    }
    if (spec.load_balancer_class() == before.load_balancer_class()) {
      spec.clear_load_balancer_class();
    }
  }
  if (reachable_from_outside(before) && !reachable_from_outside(spec) &&
      spec.external_traffic_policy() == before.external_traffic_policy()) {
    spec.clear_external_traffic_policy();
  }
  if (spec.type() != "LoadBalancer") service.mutable_status()->clear_load_balancer();
}

class Allocator {
 public:
  Allocator(const Context& context, const ObjectMeta& self)
      : context_(context), used_(used_by_others(context.cache, self)) {}

  void address(api::ServiceSpec& spec, const api::ServiceSpec* before) {
    if (!wants_address(spec)) {
      if (spec.cluster_ip() == "None" && spec.cluster_ips().empty()) spec.add_cluster_ips("None");
      return;
    }
    // What it has stays, and so does having none: another is for validation to refuse.
    if (before && !before->cluster_ip().empty()) return;
    if (spec.cluster_ip().empty()) {
      pick_address(spec);
    } else {
      check_address(spec);
    }
    if (spec.cluster_ips().empty() && !spec.cluster_ip().empty()) {
      spec.add_cluster_ips(spec.cluster_ip());
    }
    allocated = true;
  }

  void node_ports(api::ServiceSpec& spec, const api::ServiceSpec* before) {
    if (!has_node_ports(spec)) return;
    // First those that the client chose, so that a free choice does not take one of them.
    for (int i = 0; i < spec.ports_size(); ++i) {
      if (spec.ports(i).node_port() != 0) check_port(spec, i, before);
    }
    if (!wants_node_ports(spec)) return;
    for (auto& port : *spec.mutable_ports()) {
      if (port.node_port() == 0) pick_port(port);
    }
  }

  api::Errors errors;
  bool allocated = false;

 private:
  void pick_address(api::ServiceSpec& spec) {
    const Range range = service_range(context_.options);
    // The first one is kept for default/kubernetes, which asks for it by name.
    const uint32_t start = static_cast<uint32_t>(context_.ids.below(range.count - 1));
    for (uint32_t i = 0; i < range.count - 1; ++i) {
      const std::string text = format_ipv4(range.first + 1 + (start + i) % (range.count - 1));
      if (used_.addresses.contains(text)) continue;
      spec.set_cluster_ip(text);
      return;
    }
    errors.invalid_shown(api::Path("spec.clusterIPs"), "[]string(nil)",
                         "failed to allocate a serviceIP: range is full");
  }

  void check_address(const api::ServiceSpec& spec) {
    const Range range = service_range(context_.options);
    const std::vector<std::string> shown{spec.cluster_ip()};
    const auto refuse = [&](const std::string& why) {
      errors.invalid_shown(api::Path("spec.clusterIPs"), api::go_value(shown),
                           "failed to allocate IP " + spec.cluster_ip() + ": " + why);
    };
    const auto address = parse_ipv4(spec.cluster_ip());
    if (!address || *address < range.first || *address - range.first >= range.count) {
      refuse("the provided IP (" + spec.cluster_ip() +
             ") is not in the valid range. The range of valid IPs is " +
             context_.options.service_network + "/" +
             std::to_string(context_.options.service_prefix));
    } else if (used_.addresses.contains(spec.cluster_ip())) {
      refuse("provided IP is already allocated");
    }
  }

  void check_port(const api::ServiceSpec& spec, int index, const api::ServiceSpec* before) {
    const api::ServicePort& port = spec.ports(index);
    // One number may serve several protocols of the same service.
    used_mine_.insert(port.node_port());
    for (const auto& old : before ? before->ports() : no_ports_) {
      if (old.node_port() == port.node_port()) return;
    }
    const api::Path ports("spec.ports");
    const api::Path place = ports.index(index);
    if (port.node_port() < context_.options.node_port_first ||
        port.node_port() > context_.options.node_port_last) {
      errors.invalid(place.child("nodePort"), port.node_port(),
                     "provided port is not in the valid range. The range of valid ports is " +
                         std::to_string(context_.options.node_port_first) + "-" +
                         std::to_string(context_.options.node_port_last));
    } else if (used_.ports.contains(port.node_port())) {
      errors.invalid(place.child("nodePort"), port.node_port(),
                     "provided port is already allocated");
    }
    allocated = true;
  }

  void pick_port(api::ServicePort& port) {
    const int first = context_.options.node_port_first;
    const auto count = static_cast<uint64_t>(context_.options.node_port_last - first + 1);
    const uint64_t start = context_.ids.below(count);
    allocated = true;
    for (uint64_t i = 0; i < count; ++i) {
      const int32_t candidate = first + static_cast<int32_t>((start + i) % count);
      if (used_.ports.contains(candidate) || !used_mine_.insert(candidate).second) continue;
      port.set_node_port(candidate);
      return;
    }
    errors.invalid(api::Path("spec.ports").child("nodePort"), int64_t{0},
                   "failed to allocate a nodePort: range is full");
  }

  const Context& context_;
  Used used_;
  boost::unordered_flat_set<int32_t> used_mine_;
  google::protobuf::RepeatedPtrField<api::ServicePort> no_ports_;
};

bool settled(const api::ServiceSpec& spec, const api::ServiceSpec* before) {
  if (!before) return false;
  if (wants_address(spec) && before->cluster_ip().empty()) return false;
  if (!has_node_ports(spec)) return true;
  const auto had = node_ports_of(*before);
  for (const auto& port : spec.ports()) {
    if (port.node_port() == 0 ? wants_node_ports(spec) : !had.contains(port.node_port())) {
      return false;
    }
  }
  return true;
}

}  // namespace

ApiError assign_addresses(const Context& context, api::Service& service, const api::Service* before,
                          bool* allocated) {
  api::ServiceSpec& spec = *service.mutable_spec();
  const api::ServiceSpec* old = before ? &before->spec() : nullptr;
  *allocated = false;
  if (old) {
    keep_allocated(spec, *old);
    drop_unneeded(service, *old);
    if (settled(spec, old)) return {};
  }
  Allocator allocator(context, service.metadata());
  allocator.address(spec, old);
  allocator.node_ports(spec, old);
  *allocated = allocator.allocated;
  return std::move(allocator.errors).finish(Kind::services, service.metadata().name());
}

store::Write touch_addresses(const Context& context) {
  return claim_lease(context, kSystemNamespace, "keelson-service-addresses", nullptr);
}

std::string first_service_address(const ApiServerOptions& options) {
  return format_ipv4(service_range(options).first);
}

}  // namespace keelson::apiserver
