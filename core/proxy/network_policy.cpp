#include "core/proxy/network_policy.hpp"

#include <algorithm>
#include <optional>

#include "core/api/selector.hpp"

namespace keelson::proxy {
namespace {

using api::IpRange;
using api::LabelSelectorMatcher;
using api::networking::v1::IPBlock;
using api::networking::v1::NetworkPolicyPeer;
using api::networking::v1::NetworkPolicyPort;

// Validation lets no other selector in; if one comes all the same it selects nothing.
LabelSelectorMatcher matcher(const api::LabelSelector& selector) {
  Result<LabelSelectorMatcher> parsed = LabelSelectorMatcher::from(selector);
  return parsed.ok() ? std::move(*parsed) : LabelSelectorMatcher::nothing();
}

std::vector<IpRange> ranges_of(const IPBlock& block) {
  const std::optional<IpRange> whole = IpRange::parse(block.cidr());
  if (!whole) return {};
  std::vector<IpRange> holes;
  for (const std::string& text : block.except()) {
    if (const auto hole = IpRange::parse(text)) holes.push_back(*hole);
  }
  return without(*whole, holes);
}

IpRange half(const IpRange& range, bool upper) {
  IpRange result = range;
  const int at = range.bits + 128 - range.width();
  ++result.bits;
  if (upper) result.address[static_cast<std::size_t>(at / 8)] |= static_cast<uint8_t>(0x80 >> (at % 8));
  return result;
}

PolicyName name_of(const api::Object& object) { return {object.ns(), object.name()}; }

bool same_labels(const api::Labels& a, const api::Labels& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& one) {
           const auto found = b.find(one.first);
           return found != b.end() && found->second == one.second;
         });
}

}  // namespace

std::vector<IpRange> without(const IpRange& range, const std::vector<IpRange>& holes) {
  const auto covers = [&](const IpRange& hole) { return hole.contains(range); };
  if (std::any_of(holes.begin(), holes.end(), covers)) return {};
  const auto touches = [&](const IpRange& hole) { return range.contains(hole); };
  if (std::none_of(holes.begin(), holes.end(), touches)) return {range};
  // A hole lies within, so there is a bit to split at.
  std::vector<IpRange> result = without(half(range, false), holes);
  for (IpRange& one : without(half(range, true), holes)) result.push_back(one);
  return result;
}

// --- What is known -------------------------------------------------------------------------------

struct NetworkPolicies::Peer {
  std::optional<LabelSelectorMatcher> pods, namespaces;
  std::vector<IpRange> ranges;
};

struct NetworkPolicies::Rule {
  std::vector<Peer> peers;  // none: everyone
  std::vector<NetworkPolicyPort> ports;
};

struct NetworkPolicies::Policy {
  std::string ns;
  LabelSelectorMatcher selector;
  bool isolates_in = false, isolates_out = false;
  std::vector<Rule> in, out;
  std::set<PolicyName> selected;  // of this node, as last worked out
};

struct NetworkPolicies::Pod {
  api::ObjectPtr object;
  std::vector<IpRange> addresses;
  bool local = false;

  const api::Labels& labels() const { return object->meta().labels(); }
  // Calls visit(protocol, port) for each port of that name and protocol.
  template <class Visit>
  void each_port(const std::string& name, const std::string& protocol, const Visit& visit) const {
    for (const auto& container : object->as<api::Pod>().spec().containers()) {
      for (const auto& port : container.ports()) {
        const std::string& spoken = port.protocol().empty() ? "TCP" : port.protocol();
        if (port.name() == name && spoken == protocol) {
          visit(static_cast<uint16_t>(port.container_port()));
        }
      }
    }
  }
};

NetworkPolicies::NetworkPolicies(std::string node) : node_(std::move(node)) {}
NetworkPolicies::~NetworkPolicies() = default;

void NetworkPolicies::on_policy(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const PolicyName name = name_of(after ? *after : *before);
  dirty_policies_.insert(name);
  std::unique_ptr<Policy>& policy = policies_[name];
  std::set<PolicyName> selected = policy ? std::move(policy->selected) : std::set<PolicyName>();
  policy = std::make_unique<Policy>();
  policy->ns = name.first;
  policy->selected = std::move(selected);
  policy->selector = LabelSelectorMatcher::nothing();
  if (!after) return;  // forgotten once its pods have been told
  const auto& spec = after->as<api::NetworkPolicy>().spec();
  policy->selector = matcher(spec.pod_selector());
  for (const std::string& type : spec.policy_types()) {
    if (type == "Ingress") policy->isolates_in = true;
    if (type == "Egress") policy->isolates_out = true;
  }
  const auto read = [](const auto& peers, const auto& ports) {
    Rule rule;
    for (const NetworkPolicyPeer& from : peers) {
      Peer& peer = rule.peers.emplace_back();
      if (from.has_pod_selector()) peer.pods = matcher(from.pod_selector());
      if (from.has_namespace_selector()) peer.namespaces = matcher(from.namespace_selector());
      if (from.has_ip_block()) peer.ranges = ranges_of(from.ip_block());
    }
    rule.ports.assign(ports.begin(), ports.end());
    return rule;
  };
  for (const auto& rule : spec.ingress()) policy->in.push_back(read(rule.from(), rule.ports()));
  for (const auto& rule : spec.egress()) policy->out.push_back(read(rule.to(), rule.ports()));
}

void NetworkPolicies::on_pod(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const PolicyName name = name_of(after ? *after : *before);
  std::unique_ptr<Pod> now;
  if (after) {
    const auto& pod = after->as<api::Pod>();
    const std::string& phase = pod.status().phase();
    // The address of a pod that has ended may belong to another; that of one in the host's network is
    // the node's.
    const bool counts = !pod.spec().host_network() && phase != "Succeeded" && phase != "Failed";
    std::set<IpRange> addresses;
    if (counts) {
      const auto add = [&](const std::string& text) {
        const auto ip = IpRange::parse(text);
        // A whole range is nobody's address, whoever reports it.
        if (ip && ip->bits == ip->width()) addresses.insert(*ip);
      };
      for (const auto& one : pod.status().pod_ips()) add(one.ip());
      add(pod.status().pod_ip());
    }
    if (!addresses.empty()) {
      now = std::make_unique<Pod>();
      now->object = after;
      now->addresses.assign(addresses.begin(), addresses.end());
      now->local = pod.spec().node_name() == node_;
    }
  }
  std::unique_ptr<Pod>& known = pods_[name];
  const bool same = known && now && known->addresses == now->addresses &&
                    known->local == now->local && same_labels(known->labels(), now->labels());
  if (known && !same) mark(*known);
  if (now && !same) mark(*now);
  known = std::move(now);
  if (!known) pods_.erase(name);
}

void NetworkPolicies::on_namespace(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const std::string& name = (after ? after : before)->name();
  if (before && after && same_labels(before->meta().labels(), after->meta().labels())) return;
  if (after) namespaces_[name] = after;
  if (!after) namespaces_.erase(name);
  const auto selects_namespaces = [](const std::vector<Rule>& rules) {
    return std::any_of(rules.begin(), rules.end(), [](const Rule& rule) {
      return std::any_of(rule.peers.begin(), rule.peers.end(),
                         [](const Peer& peer) { return peer.namespaces.has_value(); });
    });
  };
  for (const auto& [policy_name, policy] : policies_) {
    if (selects_namespaces(policy->in) || selects_namespaces(policy->out)) {
      dirty_policies_.insert(policy_name);
    }
  }
}

// --- What concerns what --------------------------------------------------------------------------

bool NetworkPolicies::selected_by(const Peer& peer, const std::string& ns, const Pod& pod) const {
  if (!peer.pods && !peer.namespaces) return false;
  if (peer.namespaces) {
    const auto found = namespaces_.find(pod.object->ns());
    if (found == namespaces_.end()) return false;
    if (!peer.namespaces->matches(found->second->meta().labels())) return false;
  } else if (pod.object->ns() != ns) {
    return false;
  }
  return !peer.pods || peer.pods->matches(pod.labels());
}

bool NetworkPolicies::concerns(const Policy& policy, const Pod& pod) const {
  if (pod.local && pod.object->ns() == policy.ns && policy.selector.matches(pod.labels())) return true;
  const auto named = [&](const Rule& rule) {
    // Without peers everyone is one, which only named ports depend on.
    if (rule.peers.empty()) {
      return std::any_of(rule.ports.begin(), rule.ports.end(),
                         [](const NetworkPolicyPort& port) { return port.port().type() != 0; });
    }
    return std::any_of(rule.peers.begin(), rule.peers.end(),
                       [&](const Peer& peer) { return selected_by(peer, policy.ns, pod); });
  };
  return std::any_of(policy.in.begin(), policy.in.end(), named) ||
         std::any_of(policy.out.begin(), policy.out.end(), named);
}

void NetworkPolicies::mark(const Pod& pod) {
  for (const auto& [name, policy] : policies_) {
    if (!dirty_policies_.contains(name) && concerns(*policy, pod)) dirty_policies_.insert(name);
  }
}

// --- Working it out ------------------------------------------------------------------------------

std::set<PolicyName> NetworkPolicies::selected_pods(const Policy& policy) const {
  std::set<PolicyName> result;
  for (auto at = pods_.lower_bound({policy.ns, ""}); at != pods_.end() && at->first.first == policy.ns;
       ++at) {
    if (at->second->local && policy.selector.matches(at->second->labels())) result.insert(at->first);
  }
  return result;
}

Allowance NetworkPolicies::allowance(const Policy& policy, const Rule& rule,
                                     const std::set<PolicyName>* receivers) const {
  Allowance result;
  result.any_peer = rule.peers.empty();
  result.any_port = rule.ports.empty();
  std::vector<const Pod*> peers;
  for (const auto& [name, pod] : pods_) {
    const bool is_peer =
        std::any_of(rule.peers.begin(), rule.peers.end(), [&, &candidate = *pod](const Peer& peer) {
          return selected_by(peer, policy.ns, candidate);
        });
    if (is_peer) result.peers.insert(pod->addresses.begin(), pod->addresses.end());
    if (is_peer || result.any_peer) peers.push_back(pod.get());
  }
  for (const Peer& peer : rule.peers) result.peers.insert(peer.ranges.begin(), peer.ranges.end());
  if (receivers) {
    peers.clear();
    for (const PolicyName& name : *receivers) peers.push_back(pods_.at(name).get());
  }
  for (const NetworkPolicyPort& port : rule.ports) {
    const std::string& protocol = port.protocol().empty() ? "TCP" : port.protocol();
    if (!port.has_port()) {
      result.ports.insert({protocol, 0, 65535});
    } else if (port.port().type() == 0) {
      const auto first = static_cast<uint16_t>(port.port().int_val());
      result.ports.insert(
          {protocol, first, port.has_end_port() ? static_cast<uint16_t>(port.end_port()) : first});
    } else {
      for (const Pod* pod : peers) {
        pod->each_port(port.port().str_val(), protocol, [&](uint16_t number) {
          for (const IpRange& address : pod->addresses) {
            result.sockets.insert({address, protocol, number});
          }
        });
      }
    }
  }
  return result;
}

PolicyTable NetworkPolicies::compute(const Policy& policy,
                                     const std::set<PolicyName>& selected) const {
  PolicyTable table;
  table.isolates_in = policy.isolates_in;
  table.isolates_out = policy.isolates_out;
  // Rules for a direction that is not isolated change nothing.
  if (policy.isolates_in) {
    for (const Rule& rule : policy.in) table.in.push_back(allowance(policy, rule, &selected));
  }
  if (policy.isolates_out) {
    for (const Rule& rule : policy.out) table.out.push_back(allowance(policy, rule, nullptr));
  }
  return table;
}

void NetworkPolicies::refresh(const PolicyName& name,
                              std::map<PolicyName, PodIsolation>& touched) {
  Policy& policy = *policies_.at(name);
  std::set<PolicyName> selected = selected_pods(policy);
  for (const PolicyName& pod : policy.selected) {
    touched.try_emplace(pod, isolations_[pod]);
    isolations_[pod].in.erase(name);
    isolations_[pod].out.erase(name);
  }
  for (const PolicyName& pod : selected) {
    touched.try_emplace(pod, isolations_[pod]);
    if (policy.isolates_in) isolations_[pod].in.insert(name);
    if (policy.isolates_out) isolations_[pod].out.insert(name);
  }
  const auto known = tables_.find(name);
  if (selected.empty()) {
    if (known != tables_.end()) {
      tables_.erase(known);
      if (on_policy_change) on_policy_change(name, nullptr);
    }
  } else {
    PolicyTable table = compute(policy, selected);
    const bool changed = known == tables_.end() || !(known->second == table);
    if (changed) {
      tables_[name] = std::move(table);
      if (on_policy_change) on_policy_change(name, &tables_[name]);
    }
  }
  policy.selected = std::move(selected);
}

void NetworkPolicies::sync() {
  std::map<PolicyName, PodIsolation> touched;
  for (const PolicyName& name : std::exchange(dirty_policies_, {})) {
    refresh(name, touched);
    // One that selects nothing, not even by its own namespace's future pods, has been taken back.
    Policy& policy = *policies_.at(name);
    if (policy.selector.matches_nothing() && policy.in.empty() && policy.out.empty()) {
      policies_.erase(name);
    }
  }
  for (const auto& [name, before] : touched) {
    PodIsolation& isolation = isolations_[name];
    const auto pod = pods_.find(name);
    isolation.addresses = pod == pods_.end() ? std::vector<IpRange>() : pod->second->addresses;
    const bool gone = isolation.in.empty() && isolation.out.empty();
    const bool same = gone ? before.in.empty() && before.out.empty() : before == isolation;
    if (gone) isolations_.erase(name);
    if (same) continue;
    if (on_pod_change) on_pod_change(name, gone ? nullptr : &isolations_[name]);
  }
}

// --- Asking --------------------------------------------------------------------------------------

bool NetworkPolicies::allows(const PolicyFlow& flow) const {
  const auto from = IpRange::parse(flow.from_ip), to = IpRange::parse(flow.to_ip);
  if (!from || !to) return false;
  const auto admits = [&](const Allowance& rule, const IpRange& peer) {
    const bool is_peer =
        rule.any_peer || std::any_of(rule.peers.begin(), rule.peers.end(),
                                     [&](const IpRange& range) { return range.contains(peer); });
    if (!is_peer) return false;
    return rule.any_port ||
           std::any_of(rule.ports.begin(), rule.ports.end(),
                       [&](const PortRange& range) {
                         return range.protocol == flow.protocol && range.first <= flow.port &&
                                flow.port <= range.last;
                       }) ||
           rule.sockets.contains({*to, flow.protocol, flow.port});
  };
  for (const auto& [name, pod] : isolations_) {
    const auto has = [&addresses = pod.addresses](const IpRange& address) {
      return std::binary_search(addresses.begin(), addresses.end(), address);
    };
    const auto passes = [&](const std::set<PolicyName>& policies, bool in, const IpRange& peer) {
      if (policies.empty()) return true;
      return std::any_of(policies.begin(), policies.end(), [&](const PolicyName& policy) {
        const PolicyTable& table = tables_.at(policy);
        const std::vector<Allowance>& rules = in ? table.in : table.out;
        return std::any_of(rules.begin(), rules.end(),
                           [&](const Allowance& rule) { return admits(rule, peer); });
      });
    };
    if (has(*to) && !passes(pod.in, true, *from)) return false;
    if (has(*from) && !passes(pod.out, false, *to)) return false;
  }
  return true;
}

}  // namespace keelson::proxy
