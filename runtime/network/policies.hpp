// Enforces network policies for the pods of one node, in nftables (table `inet keelson-policies`). What
// is allowed is worked out by core/proxy/network_policy.hpp; here it becomes sets and chains.
//
//   PolicyEnforcer policies(loop, log, client, rng, {.node = "n1"});
//   policies.start();
//
// Packets that this node forwards are looked at: between pods (also of one bridge, if the kernel shows
// bridged packets to nftables, see prepare_kernel()), from and to elsewhere. What the node itself sends
// to its pods, probes for instance, and what pods send to their node is always allowed, as Kubernetes
// has it; the cluster's DNS is served by the node and therefore always reachable. Connections that are
// open stay open when a policy comes.
//
// A pod is isolated from when the API says its address, shortly after it got it.
//
// On the core thread, in the network namespace of the thread that makes it. Needs CAP_NET_ADMIN.
#pragma once

#include <string>

#include "core/base/log.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/client/informer.hpp"
#include "core/proxy/network_policy.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/network/nft_table.hpp"

namespace keelson::network {

struct PolicyEnforcerOptions {
  std::string node;
  std::string user = "system:kube-proxy";
  std::string actor;  // empty: "policies/NODE"
};

class PolicyEnforcer {
 public:
  PolicyEnforcer(runtime::AsioLoop& loop, Log& log, client::ApiClient& client, Rng rng,
                 PolicyEnforcerOptions options);
  PolicyEnforcer(const PolicyEnforcer&) = delete;
  PolicyEnforcer& operator=(const PolicyEnforcer&) = delete;

  // Follows policies, pods and namespaces. What an earlier process left stays in force until their
  // lists are complete. Error: denied without the right to administer the network.
  Status start();
  // Takes everything out of the kernel. For reset.
  Status erase();

  const NftTable& table() const { return table_; }

 private:
  void sync();

  client::Informer policies_, pods_, namespaces_;
  proxy::NetworkPolicies rules_;
  NftTable table_;
  bool erased_ = false;
};

}  // namespace keelson::network
