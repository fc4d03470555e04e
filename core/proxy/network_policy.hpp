// Network policies as the pods of one node feel them: which of them are isolated, and what is allowed
// all the same, as addresses and ports. Independent of how it is enforced.
// Source: networking.k8s.io/v1; KEP-2079 (port ranges), KEP-2112 (namespaces by name).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/api/ip_range.hpp"
#include "core/api/object.hpp"

namespace keelson::proxy {

// Ports of one protocol.
struct PortRange {
  std::string protocol;
  uint16_t first = 0, last = 65535;
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

// A port at an address: what a port's name means at one pod.
struct Socket {
  api::IpRange address;  // a single one
  std::string protocol;
  uint16_t port = 0;
  friend auto operator<=>(const Socket&, const Socket&) = default;
};

// One rule of a policy: connections of any of these peers to any of these ports.
struct Allowance {
  bool any_peer = false;
  std::set<api::IpRange> peers;  // may overlap
  bool any_port = false;
  std::set<PortRange> ports;
  // Named ports, at the pods that receive: those that the policy selects or, on the way out, the peers.
  std::set<Socket> sockets;
  friend bool operator==(const Allowance&, const Allowance&) = default;
};

struct PolicyTable {
  bool isolates_in = false, isolates_out = false;
  std::vector<Allowance> in, out;
  friend bool operator==(const PolicyTable&, const PolicyTable&) = default;
};

using PolicyName = std::pair<std::string, std::string>;  // namespace, name

// A pod of this node that some policy selects. In a direction with no policy everything is allowed,
// otherwise what any of the policies allows.
struct PodIsolation {
  std::vector<api::IpRange> addresses;  // sorted
  std::set<PolicyName> in, out;
  friend bool operator==(const PodIsolation&, const PodIsolation&) = default;
};

// A connection that is being opened.
struct PolicyFlow {
  std::string from_ip, to_ip;
  std::string protocol = "TCP";
  uint16_t port = 0;
};

class NetworkPolicies {
 public:
  explicit NetworkPolicies(std::string node);  // whose own pods it is about
  NetworkPolicies(const NetworkPolicies&) = delete;
  NetworkPolicies& operator=(const NetworkPolicies&) = delete;
  ~NetworkPolicies();

  // Feeds: the policies, pods and namespaces of the whole cluster. Either argument may be null.
  void on_policy(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void on_pod(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void on_namespace(const api::ObjectPtr& before, const api::ObjectPtr& after);

  // Applies what was fed since; calls the listeners for what has changed. Costs a look at the
  // selectors of all policies per changed pod, and at all pods per policy that is concerned.
  void sync();
  // Null: it is gone, or selects no pod of this node any more.
  std::function<void(const PolicyName&, const PolicyTable*)> on_policy_change;
  std::function<void(const PolicyName& pod, const PodIsolation*)> on_pod_change;

  // Whether the policies let it through, as far as this node's pods are concerned.
  bool allows(const PolicyFlow& flow) const;

  const std::map<PolicyName, PolicyTable>& policies() const { return tables_; }
  const std::map<PolicyName, PodIsolation>& pods() const { return isolations_; }

 private:
  struct Policy;  // with its selectors, parsed
  struct Pod;     // what policies see of it
  struct Peer;
  struct Rule;
  void mark(const Pod& pod);
  bool selected_by(const Peer& peer, const std::string& ns, const Pod& pod) const;
  bool concerns(const Policy& policy, const Pod& pod) const;
  PolicyTable compute(const Policy& policy, const std::set<PolicyName>& selected) const;
  // `receivers`: the pods whose named ports count; null: the peers'.
  Allowance allowance(const Policy& policy, const Rule& rule,
                      const std::set<PolicyName>* receivers) const;
  std::set<PolicyName> selected_pods(const Policy& policy) const;
  // `touched`: the pods whose isolation this changes, as it was before.
  void refresh(const PolicyName& name, std::map<PolicyName, PodIsolation>& touched);

  std::string node_;
  std::map<PolicyName, std::unique_ptr<Policy>> policies_;
  std::map<PolicyName, std::unique_ptr<Pod>> pods_;  // that have an address
  std::map<std::string, api::ObjectPtr> namespaces_;
  std::set<PolicyName> dirty_policies_;
  std::map<PolicyName, PolicyTable> tables_;
  std::map<PolicyName, PodIsolation> isolations_;
};

// `range` without `holes`, as ranges that do not overlap, in order.
std::vector<api::IpRange> without(const api::IpRange& range, const std::vector<api::IpRange>& holes);

}  // namespace keelson::proxy
