// Service, Endpoints, EndpointSlice, NetworkPolicy.
#include <algorithm>
#include <array>
#include <vector>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::Endpoints;
using api::EndpointSlice;
using api::NetworkPolicy;
using api::Service;

constexpr std::array service_columns = {
    name_column,
    Column{"Type", "string", "", "How far the service can be reached.", 0},
    Column{"Cluster-IP", "string", "", "The service's address within the cluster.", 0},
    Column{"External-IP", "string", "", "Addresses at which others reach the service.", 0},
    Column{"Port(s)", "string", "", "The service's ports, with those of the nodes behind a colon.",
           0},
    age_column,
    Column{"Selector", "string", "", "Labels of the pods that serve.", 1},
};

std::string_view cluster_address_of(const Service& service) {
  const api::ServiceSpec& spec = service.spec();
  return spec.cluster_ips_size() > 0 ? spec.cluster_ips(0) : spec.cluster_ip();
}

// Where the load balancer takes traffic in, sorted.
std::vector<std::string_view> ingress_of(const Service& service) {
  std::vector<std::string_view> points;
  for (const api::LoadBalancerIngress& ingress : service.status().load_balancer().ingress()) {
    const std::string& point = ingress.ip().empty() ? ingress.hostname() : ingress.ip();
    if (!point.empty()) points.push_back(point);
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

std::string external_addresses_of(const Service& service) {
  const api::ServiceSpec& spec = service.spec();
  if (spec.type() == "ExternalName") return spec.external_name();
  const bool balanced = spec.type() == "LoadBalancer";
  if (!balanced && spec.type() != "ClusterIP" && spec.type() != "NodePort") {
    return std::string(unknown);
  }
  std::string text;
  if (balanced) {
    for (const std::string_view point : ingress_of(service)) append_item(text, point);
  }
  for (const std::string& address : spec.external_ips()) append_item(text, address);
  if (!text.empty()) return text;
  return balanced ? "<pending>" : std::string(none);
}

std::string ports_of(const Service& service) {
  std::string text;
  for (const api::ServicePort& port : service.spec().ports()) {
    std::string item = std::to_string(port.port());
    if (port.node_port() > 0) item += ":" + std::to_string(port.node_port());
    append_item(text, item + "/" + port.protocol());
  }
  return text;
}

void print_service(const Service& service, Cells& cells) {
  cells.text(service.metadata().name());
  cells.text(service.spec().type());
  cells.text_or(cluster_address_of(service), none);
  cells.text(external_addresses_of(service));
  cells.text_or(ports_of(service), none);
  cells.age(service.metadata());
  cells.text(label_text(service.spec().selector()));
}

constexpr std::array endpoints_columns = {
    name_column,
    Column{"Endpoints", "string", "", "Addresses and ports that are ready for traffic.", 0},
    age_column,
};

// "10.1.0.5:80", "[fd00::5]:80".
std::string host_and_port(const std::string& host, int32_t port) {
  const bool bracket = host.find_first_of(":%") != std::string::npos;
  return (bracket ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

std::string addresses_of(const Endpoints& endpoints) {
  if (endpoints.subsets_size() == 0) return std::string(none);
  ShortList list;
  // A service may have no ports, then addresses stand alone; else each serves every port.
  const auto add_all = [&](const api::EndpointSubset& subset, const api::EndpointPort* port) {
    int i = 0;
    for (; i < subset.addresses_size() && list.wants_more(); ++i) {
      const std::string& ip = subset.addresses(i).ip();
      list.add(port ? host_and_port(ip, port->port()) : ip);
    }
    list.skip(subset.addresses_size() - i);
  };
  for (const api::EndpointSubset& subset : endpoints.subsets()) {
    if (subset.ports_size() == 0) add_all(subset, nullptr);
    for (const api::EndpointPort& port : subset.ports()) add_all(subset, &port);
  }
  return list.text();
}

void print_endpoints(const Endpoints& endpoints, Cells& cells) {
  cells.text(endpoints.metadata().name());
  cells.text(addresses_of(endpoints));
  cells.age(endpoints.metadata());
}

constexpr std::array endpoint_slice_columns = {
    name_column,
    Column{"AddressType", "string", "", "What kind of addresses these are.", 0},
    Column{"Ports", "string", "", "The ports, which all the endpoints have.", 0},
    Column{"Endpoints", "string", "", "Addresses of the endpoints.", 0},
    age_column,
};

std::string ports_of(const EndpointSlice& slice) {
  ShortList list;
  for (const auto& port : slice.ports()) {
    if (port.has_port()) {
      list.add(std::to_string(port.port()));
    } else {
      list.add(port.has_name() ? port.name() : "*");
    }
  }
  return list.text();
}

std::string addresses_of(const EndpointSlice& slice) {
  ShortList list;
  for (const auto& endpoint : slice.endpoints()) {
    for (const std::string& address : endpoint.addresses()) list.add(address);
  }
  return list.text();
}

void print_endpoint_slice(const EndpointSlice& slice, Cells& cells) {
  cells.text(slice.metadata().name());
  cells.text(slice.address_type());
  cells.text_or(ports_of(slice), unset);
  cells.text_or(addresses_of(slice), unset);
  cells.age(slice.metadata());
}

constexpr std::array network_policy_columns = {
    name_column,
    Column{"Pod-Selector", "string", "", "Labels of the pods that it isolates.", 0},
    age_column,
};

void print_network_policy(const NetworkPolicy& policy, Cells& cells) {
  cells.text(policy.metadata().name());
  cells.text_or(selector_text(policy.spec().pod_selector()).value_or("<error>"), none);
  cells.age(policy.metadata());
}

}  // namespace

Printer service_printer() { return {service_columns, print_as<Service, print_service>}; }
Printer endpoints_printer() { return {endpoints_columns, print_as<Endpoints, print_endpoints>}; }
Printer endpoint_slice_printer() {
  return {endpoint_slice_columns, print_as<EndpointSlice, print_endpoint_slice>};
}
Printer network_policy_printer() {
  return {network_policy_columns, print_as<NetworkPolicy, print_network_policy>};
}

}  // namespace keelson::rest
