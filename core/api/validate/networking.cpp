// Network policies: peers, ports, and ranges of addresses. Source: Kubernetes
// pkg/apis/networking/validation.
#include "core/api/ip_range.hpp"
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using networking::v1::IPBlock;
using networking::v1::NetworkPolicyPeer;
using networking::v1::NetworkPolicyPort;
using networking::v1::NetworkPolicySpec;

void validate_port(Errors& errors, const Path& path, const NetworkPolicyPort& port) {
  check_one_of<NetworkPolicyPort>(errors, path.child("protocol"),
                                  NetworkPolicyPort::kProtocolFieldNumber, port.protocol());
  const Path end = path.child("endPort");
  if (!port.has_port()) {
    if (port.has_end_port()) {
      errors.invalid(end, port.end_port(), "may not be specified when `port` is not specified");
    }
    return;
  }
  const bool numeric = port.port().type() == 0;
  if (port.has_end_port() && !numeric) {
    errors.invalid(end, port.end_port(), "may not be specified when `port` is non-numeric");
  }
  check_port_or_name(errors, path.child("port"), port.port());
  if (!port.has_end_port() || !numeric) return;
  if (port.end_port() < port.port().int_val()) {
    errors.invalid(end, port.port().int_val(), "must be greater than or equal to `port`");
  }
  check_port(errors, end, port.end_port());
}

void validate_block(Errors& errors, const Path& path, const IPBlock& block) {
  const Path cidr = path.child("cidr");
  if (block.cidr().empty()) return errors.required(cidr);
  check_cidr(errors, cidr, block.cidr());
  const std::optional<IpRange> whole = IpRange::parse(block.cidr());
  if (!whole) return;
  const Path holes = path.child("except");
  for (int i = 0; i < block.except_size(); ++i) {
    const Path place = holes.index(i);
    check_cidr(errors, place, block.except(i));
    const std::optional<IpRange> hole = IpRange::parse(block.except(i));
    if (hole && (!whole->contains(*hole) || hole->bits <= whole->bits)) {
      errors.invalid(place, block.except(i), "must be a strict subset of `cidr`");
    }
  }
}

void validate_peer(Errors& errors, const Path& path, const NetworkPolicyPeer& peer) {
  const bool selects = peer.has_pod_selector() || peer.has_namespace_selector();
  if (peer.has_pod_selector()) {
    validate_label_selector(errors, path.child("podSelector"), peer.pod_selector());
  }
  if (peer.has_namespace_selector()) {
    validate_label_selector(errors, path.child("namespaceSelector"), peer.namespace_selector());
  }
  if (peer.has_ip_block()) validate_block(errors, path.child("ipBlock"), peer.ip_block());
  if (!selects && !peer.has_ip_block()) {
    errors.required(path, "must specify a peer");
  } else if (selects && peer.has_ip_block()) {
    errors.forbidden(path, "may not specify both ipBlock and another peer");
  }
}

void validate_ports(Errors& errors, const Path& path, const Repeated<NetworkPolicyPort>& ports) {
  for (int i = 0; i < ports.size(); ++i) validate_port(errors, path.index(i), ports[i]);
}

void validate_peers(Errors& errors, const Path& path, const Repeated<NetworkPolicyPeer>& peers) {
  for (int i = 0; i < peers.size(); ++i) validate_peer(errors, path.index(i), peers[i]);
}

}  // namespace

void validate(Errors& errors, const NetworkPolicy& policy) {
  const NetworkPolicySpec& spec = policy.spec();
  const Path path("spec");
  validate_label_selector(errors, path.child("podSelector"), spec.pod_selector());
  const Path ingress = path.child("ingress");
  for (int i = 0; i < spec.ingress_size(); ++i) {
    const Path place = ingress.index(i);
    validate_ports(errors, place.child("ports"), spec.ingress(i).ports());
    validate_peers(errors, place.child("from"), spec.ingress(i).from());
  }
  const Path egress = path.child("egress");
  for (int i = 0; i < spec.egress_size(); ++i) {
    const Path place = egress.index(i);
    validate_ports(errors, place.child("ports"), spec.egress(i).ports());
    validate_peers(errors, place.child("to"), spec.egress(i).to());
  }
  const Path types = path.child("policyTypes");
  if (spec.policy_types_size() > 2) {
    std::vector<std::string> shown(spec.policy_types().begin(), spec.policy_types().end());
    errors.invalid_shown(types, go_value(shown), "may not specify more than two policyTypes");
    return;
  }
  for (int i = 0; i < spec.policy_types_size(); ++i) {
    check_one_of<NetworkPolicySpec>(errors, types.index(i),
                                    NetworkPolicySpec::kPolicyTypesFieldNumber,
                                    spec.policy_types(i));
  }
}

void validate_change(Errors& errors, const NetworkPolicy& now, const NetworkPolicy&) {
  validate(errors, now);
}

}  // namespace keelson::api
