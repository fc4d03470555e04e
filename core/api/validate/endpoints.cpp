// Endpoints and EndpointSlices: what they may list, and how much of it.
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using DiscoveryEndpoint = discovery::v1::Endpoint;
using DiscoveryPort = discovery::v1::EndpointPort;

// Limits of discovery/v1: a slice must stay small enough to be sent to every node on each change.
constexpr int endpoints_max = 1000;
constexpr int ports_max = 20000;
constexpr int addresses_max = 100;

void validate_address(Errors& errors, const Path& path, const EndpointAddress& address) {
  check_ip(errors, path.child("ip"), address.ip());
  if (!address.hostname().empty()) {
    errors.invalid(path.child("hostname"), address.hostname(),
                   check_dns1123_label(address.hostname()));
  }
  if (address.has_node_name()) {
    errors.invalid(path.child("nodeName"), address.node_name(),
                   check_dns1123_subdomain(address.node_name()));
  }
  if (ip_family(address.ip()) != IpFamily::none) {
    check_reachable_ip(errors, path.child("ip"), address.ip());
  }
}

void validate_port(Errors& errors, const Path& path, const core::v1::EndpointPort& port,
                   bool name_required) {
  if (port.name().empty()) {
    if (name_required) errors.required(path.child("name"));
  } else {
    errors.invalid(path.child("name"), port.name(), check_dns1123_label(port.name()));
  }
  check_port(errors, path.child("port"), port.port());
  check_one_of<core::v1::EndpointPort>(errors, path.child("protocol"),
                                       core::v1::EndpointPort::kProtocolFieldNumber,
                                       port.protocol());
  if (port.has_app_protocol()) {
    errors.invalid(path.child("appProtocol"), port.app_protocol(),
                   check_qualified_name(port.app_protocol()));
  }
}

void validate_subset(Errors& errors, const Path& path, const EndpointSubset& subset) {
  if (subset.addresses().empty() && subset.not_ready_addresses().empty()) {
    errors.required(path, "must specify `addresses` or `notReadyAddresses`");
  }
  const Path ready = path.child("addresses");
  for (int i = 0; i < subset.addresses_size(); ++i) {
    validate_address(errors, ready.index(i), subset.addresses(i));
  }
  const Path not_ready = path.child("notReadyAddresses");
  for (int i = 0; i < subset.not_ready_addresses_size(); ++i) {
    validate_address(errors, not_ready.index(i), subset.not_ready_addresses(i));
  }
  const Path ports = path.child("ports");
  for (int i = 0; i < subset.ports_size(); ++i) {
    validate_port(errors, ports.index(i), subset.ports(i), subset.ports_size() > 1);
  }
}

void validate_slice_address(Errors& errors, const Path& path, std::string_view address,
                            std::string_view type) {
  if (type == "FQDN") {
    errors.invalid(path, address, check_dns1123_subdomain(address));
    return;
  }
  IpFamily family = ip_family(address);
  if (type == "IPv4" && family != IpFamily::v4) {
    errors.invalid(path, address, "must be a valid IPv4 address");
  } else if (type == "IPv6" && family != IpFamily::v6) {
    errors.invalid(path, address, "must be a valid IPv6 address");
  } else if (family != IpFamily::none) {
    check_reachable_ip(errors, path, address);
  }
}

void validate_endpoint(Errors& errors, const Path& path, const DiscoveryEndpoint& endpoint,
                       std::string_view type) {
  const Path addresses = path.child("addresses");
  if (endpoint.addresses().empty()) {
    errors.required(addresses, "must contain at least 1 address");
  } else if (endpoint.addresses_size() > addresses_max) {
    errors.too_many(addresses, endpoint.addresses_size(), addresses_max);
  }
  for (int i = 0; i < endpoint.addresses_size(); ++i) {
    validate_slice_address(errors, addresses.index(i), endpoint.addresses(i), type);
  }
  if (endpoint.has_node_name()) {
    errors.invalid(path.child("nodeName"), endpoint.node_name(),
                   check_dns1123_subdomain(endpoint.node_name()));
  }
  if (endpoint.has_hostname()) {
    errors.invalid(path.child("hostname"), endpoint.hostname(),
                   check_dns1123_label(endpoint.hostname()));
  }
}

void validate_slice_port(Errors& errors, const Path& path, const DiscoveryPort& port, Seen& names) {
  const Path name = path.child("name");
  if (!names.add(port.name())) errors.duplicate(name, port.name());
  if (!port.name().empty()) {
    errors.invalid(name, port.name(), check_dns1123_label(port.name()));
  }
  check_one_of<DiscoveryPort>(errors, path.child("protocol"), DiscoveryPort::kProtocolFieldNumber,
                              port.protocol());
  if (port.has_port()) check_port(errors, path.child("port"), port.port());
  if (port.has_app_protocol()) {
    errors.invalid(path.child("appProtocol"), port.app_protocol(),
                   check_qualified_name(port.app_protocol()));
  }
}

}  // namespace

void validate(Errors& errors, const Endpoints& endpoints) {
  const Path path("subsets");
  for (int i = 0; i < endpoints.subsets_size(); ++i) {
    validate_subset(errors, path.index(i), endpoints.subsets(i));
  }
}

void validate_change(Errors& errors, const Endpoints& now, const Endpoints&) {
  validate(errors, now);
}

void validate(Errors& errors, const EndpointSlice& slice) {
  check_one_of<EndpointSlice>(errors, Path("addressType"), EndpointSlice::kAddressTypeFieldNumber,
                              slice.address_type());
  const Path endpoints("endpoints");
  if (slice.endpoints_size() > endpoints_max) {
    errors.too_many(endpoints, slice.endpoints_size(), endpoints_max);
    return;
  }
  for (int i = 0; i < slice.endpoints_size(); ++i) {
    validate_endpoint(errors, endpoints.index(i), slice.endpoints(i), slice.address_type());
  }
  const Path ports("ports");
  if (slice.ports_size() > ports_max) {
    errors.too_many(ports, slice.ports_size(), ports_max);
    return;
  }
  Seen names;
  for (int i = 0; i < slice.ports_size(); ++i) {
    validate_slice_port(errors, ports.index(i), slice.ports(i), names);
  }
}

void validate_change(Errors& errors, const EndpointSlice& now, const EndpointSlice& before) {
  validate(errors, now);
  check_immutable_fields(errors, Path(""), now, before);
}

}  // namespace keelson::api
