// Services.
#include <fmt/format.h>

#include <array>

#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

constexpr int32_t affinity_seconds_max = 86400;  // a day
constexpr int32_t agent_port = 10250;            // what the node agent listens on

// The addresses in full; writers may give the first one only.
std::vector<std::string> addresses(const ServiceSpec& spec) {
  std::vector<std::string> all(spec.cluster_ips().begin(), spec.cluster_ips().end());
  if (all.empty() && !spec.cluster_ip().empty()) all.push_back(spec.cluster_ip());
  return all;
}

bool headless(const ServiceSpec& spec) {
  return spec.cluster_ip() == "None";
}

void validate_type(Errors& errors, const ServiceSpec& spec) {
  const Path ports("spec.ports");
  const Path cluster_ips("spec.clusterIPs");
  if (spec.ports().empty() && !headless(spec) && spec.type() != "ExternalName") {
    errors.required(ports);
  }
  if (spec.type() == "LoadBalancer" || spec.type() == "NodePort") {
    for (int i = 0; i < spec.ports_size() && spec.type() == "LoadBalancer"; ++i) {
      if (spec.ports(i).port() != agent_port) continue;
      errors.invalid(ports.index(i).child("port"), agent_port,
                     "may not expose port 10250 externally since it is used by kubelet");
    }
    if (headless(spec)) {
      errors.invalid(cluster_ips.index(0), "None",
                     fmt::format("may not be set to 'None' for {} services", spec.type()));
    }
  } else if (spec.type() == "ExternalName") {
    if (!addresses(spec).empty()) {
      errors.forbidden(cluster_ips, "may not be set for ExternalName services");
    }
    std::string_view name = spec.external_name();
    const Path path("spec.externalName");
    if (name.empty()) {
      errors.required(path);
    } else {
      if (name.ends_with('.')) name.remove_suffix(1);
      errors.invalid(path, name, check_dns1123_subdomain(name));
    }
  }
}

void validate_port(Errors& errors, const Path& path, const ServiceSpec& spec, int index,
                   Seen& names) {
  const ServicePort& port = spec.ports(index);
  const Path name = path.child("name");
  if (port.name().empty()) {
    if (spec.ports_size() > 1) errors.required(name);
  } else {
    errors.invalid(name, port.name(), check_dns1123_label(port.name()));
    if (!names.add(port.name())) errors.duplicate(name, port.name());
  }
  check_port(errors, path.child("port"), port.port());
  check_one_of<ServicePort>(errors, path.child("protocol"), ServicePort::kProtocolFieldNumber,
                            port.protocol());
  check_port_or_name(errors, path.child("targetPort"), port.target_port());
  if (port.has_app_protocol()) {
    errors.invalid(path.child("appProtocol"), port.app_protocol(),
                   check_qualified_name(port.app_protocol()));
  }
}

void validate_affinity(Errors& errors, const ServiceSpec& spec) {
  check_one_of<ServiceSpec>(errors, Path("spec.sessionAffinity"),
                            ServiceSpec::kSessionAffinityFieldNumber, spec.session_affinity());
  const Path path("spec.sessionAffinityConfig");
  if (spec.session_affinity() == "None") {
    if (spec.has_session_affinity_config()) {
      errors.forbidden(path, "must not be set when session affinity is None");
    }
  } else if (spec.session_affinity() == "ClientIP") {
    const auto& client = spec.session_affinity_config().client_ip();
    const Path seconds = path.child("clientIP.timeoutSeconds");
    if (!client.has_timeout_seconds()) {
      errors.required(seconds, "when session affinity is ClientIP");
    } else if (client.timeout_seconds() <= 0 || client.timeout_seconds() > affinity_seconds_max) {
      errors.invalid(seconds, client.timeout_seconds(),
                     "must be greater than 0 and less than 86400");
    }
  }
}

void validate_addresses(Errors& errors, const ServiceSpec& spec) {
  if (spec.type() == "ExternalName") return;
  const Path path("spec.clusterIPs");
  std::vector<std::string> all = addresses(spec);
  if (!spec.cluster_ips().empty() && spec.cluster_ip() != spec.cluster_ips(0)) {
    errors.invalid_shown(path, go_value(all), "first value must match `clusterIP`");
  }
  const Path families("spec.ipFamilies");
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    check_one_of<ServiceSpec>(errors, families.index(i), ServiceSpec::kIpFamiliesFieldNumber,
                              spec.ip_families(i));
    if (i > 0 && spec.ip_families(i) == spec.ip_families(0)) {
      errors.duplicate(families.index(i), spec.ip_families(i));
    }
  }
  check_one_of<ServiceSpec>(errors, Path("spec.ipFamilyPolicy"),
                            ServiceSpec::kIpFamilyPolicyFieldNumber, spec.ip_family_policy(),
                            Empty::allowed);
  if (all.size() > 2) {
    errors.invalid_shown(path, go_value(all), "may only hold up to 2 values");
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const Path place = path.index(static_cast<int>(i));
    if (all[i] == "None") {
      if (all.size() > 1) {
        errors.invalid(place, "None", "must be the only value when set to 'None'");
      }
      continue;
    }
    check_ip(errors, place, all[i]);
  }
  if (all.size() == 2 && ip_family(all[0]) == ip_family(all[1])) {
    errors.invalid_shown(path, go_value(all), "may specify no more than one IP for each IP family");
  }
}

void validate_ports_together(Errors& errors, const ServiceSpec& spec) {
  const Path ports("spec.ports");
  for (int i = 0; i < spec.ports_size(); ++i) {
    if (spec.type() == "ClusterIP" && spec.ports(i).node_port() != 0) {
      errors.forbidden(ports.index(i).child("nodePort"),
                       "may not be used when `type` is 'ClusterIP'");
    }
  }
  std::set<std::pair<int32_t, std::string_view>> node_ports, own_ports;
  for (int i = 0; i < spec.ports_size(); ++i) {
    const ServicePort& port = spec.ports(i);
    if (port.node_port() == 0) continue;
    if (!node_ports.emplace(port.node_port(), port.protocol()).second) {
      errors.duplicate_shown(ports.index(i).child("nodePort"), fmt::format("{}", port.node_port()));
    }
  }
  for (int i = 0; i < spec.ports_size(); ++i) {
    const ServicePort& port = spec.ports(i);
    if (own_ports.emplace(port.port(), port.protocol()).second) continue;
    errors.duplicate_shown(
        ports.index(i),
        fmt::format("core.ServicePort{{Name:\"\", Protocol:{}, AppProtocol:(*string)(nil), "
                    "Port:{}, TargetPort:{}, NodePort:0}}",
                    go_quoted(port.protocol()), port.port(), go_value(IntOrString())));
  }
}

void validate_traffic(Errors& errors, const ServiceSpec& spec) {
  const bool load_balancer = spec.type() == "LoadBalancer";
  const Path ranges("spec.loadBalancerSourceRanges");
  if (!spec.load_balancer_source_ranges().empty() && !load_balancer) {
    errors.forbidden(ranges, "may only be used when `type` is 'LoadBalancer'");
  }
  for (int i = 0; i < spec.load_balancer_source_ranges_size() && load_balancer; ++i) {
    check_cidr(errors, ranges.index(i), spec.load_balancer_source_ranges(i));
  }
  const bool outside = load_balancer || spec.type() == "NodePort" ||
                       (spec.type() == "ClusterIP" && !spec.external_ips().empty());
  const Path external("spec.externalTrafficPolicy");
  if (outside) {
    check_one_of<ServiceSpec>(errors, external, ServiceSpec::kExternalTrafficPolicyFieldNumber,
                              spec.external_traffic_policy());
  } else if (!spec.external_traffic_policy().empty()) {
    errors.invalid(external, spec.external_traffic_policy(),
                   "may only be set for externally-accessible services");
  }
  if (spec.health_check_node_port() != 0 &&
      !(load_balancer && spec.external_traffic_policy() == "Local")) {
    errors.invalid(Path("spec.healthCheckNodePort"), spec.health_check_node_port(),
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is "
                   "'Local'");
  }
  check_one_of<ServiceSpec>(errors, Path("spec.internalTrafficPolicy"),
                            ServiceSpec::kInternalTrafficPolicyFieldNumber,
                            spec.internal_traffic_policy(),
                            spec.type() == "ExternalName" ? Empty::allowed : Empty::required);
  if (spec.has_allocate_load_balancer_node_ports() && !load_balancer) {
    errors.forbidden(Path("spec.allocateLoadBalancerNodePorts"),
                     "may only be used when `type` is 'LoadBalancer'");
  }
  if (spec.has_load_balancer_class() && !load_balancer) {
    errors.forbidden(Path("spec.loadBalancerClass"),
                     "may only be used when `type` is 'LoadBalancer'");
  }
  check_one_of<ServiceSpec>(errors, Path("spec.trafficDistribution"),
                            ServiceSpec::kTrafficDistributionFieldNumber,
                            spec.traffic_distribution(), Empty::allowed);
}

}  // namespace

void validate(Errors& errors, const Service& service) {
  const ServiceSpec& spec = service.spec();
  validate_type(errors, spec);
  const Path ports("spec.ports");
  Seen names;
  for (int i = 0; i < spec.ports_size(); ++i) {
    validate_port(errors, ports.index(i), spec, i, names);
  }
  validate_labels(errors, Path("spec.selector"), spec.selector());
  validate_affinity(errors, spec);
  validate_addresses(errors, spec);
  const Path external_ips("spec.externalIPs");
  for (int i = 0; i < spec.external_ips_size(); ++i) {
    check_reachable_ip(errors, external_ips.index(i), spec.external_ips(i));
  }
  check_one_of<ServiceSpec>(errors, Path("spec.type"), ServiceSpec::kTypeFieldNumber, spec.type());
  validate_ports_together(errors, spec);
  validate_traffic(errors, spec);
}

void validate_change(Errors& errors, const Service& now, const Service& before) {
  // The address is what clients have remembered: it stays, except on the way from or to a name.
  const bool by_name =
      now.spec().type() == "ExternalName" || before.spec().type() == "ExternalName";
  std::vector<std::string> old = addresses(before.spec());
  std::vector<std::string> all = addresses(now.spec());
  // A writer of the older field alone leaves the list as it was.
  if (!all.empty() && all == old && now.spec().cluster_ip() != before.spec().cluster_ip()) {
    all[0] = now.spec().cluster_ip();
  }
  const Path path("spec.clusterIPs");
  if (!by_name && !old.empty() && (all.empty() || all[0].empty())) {
    errors.invalid_shown(path.index(0), go_value(all), "primary clusterIP can not be unset");
  } else if (!by_name && !old.empty() && all[0] != old[0]) {
    errors.invalid_shown(path.index(0), go_value(all), "may not change once set");
  }
  validate(errors, now);
}

void validate_status_change(Errors& errors, const Service& now, const Service&) {
  const Path path("status.loadBalancer.ingress");
  const auto& ingress = now.status().load_balancer().ingress();
  if (!ingress.empty() && now.spec().type() != "LoadBalancer") {
    errors.forbidden(path, "may only be used when `spec.type` is \"LoadBalancer\"");
    return;
  }
  for (int i = 0; i < ingress.size(); ++i) {
    const Path place = path.index(i);
    if (!ingress[i].ip().empty()) check_ip(errors, place.child("ip"), ingress[i].ip());
    if (!ingress[i].hostname().empty()) {
      errors.invalid(place.child("hostname"), ingress[i].hostname(),
                     check_dns1123_subdomain(ingress[i].hostname()));
    }
  }
}

}  // namespace keelson::api
