// The pod network of one node: from the Node objects it makes the CNI configuration for the node's own
// range, routes to the other nodes' pods, and masquerading for what leaves the cluster.
//
//   NodeNetwork network(loop, log, client, rng, {.node = "n1", .cluster_cidrs = {"10.244.0.0/16"}});
//   if (Status started = network.start(); !started.ok()) ...
//
// All nodes must be on one layer-2 network, where each reaches the others' InternalIP directly. The
// configuration appears once the Node has a podCIDR (the controller for node ranges gives it one); the
// container runtime then finds it by itself.
//
// On the core thread, in the network namespace of the thread that makes it. Needs CAP_NET_ADMIN.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/client/informer.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/network/cni_config.hpp"
#include "runtime/network/nft_table.hpp"
#include "runtime/network/routes.hpp"

namespace keelson::network {

struct NodeNetworkOptions {
  std::string node;
  // The ranges of all pods of the cluster, one per address family: what is in there is not masqueraded.
  std::vector<std::string> cluster_cidrs;
  std::string cni_dir = "/etc/cni/net.d";
  CniOptions cni;
  std::string user = "system:kube-proxy";
  std::string actor;  // empty: "network/NODE"
};

class NodeNetwork {
 public:
  NodeNetwork(runtime::AsioLoop& loop, Log& log, client::ApiClient& client, Rng rng,
              NodeNetworkOptions options);
  NodeNetwork(const NodeNetwork&) = delete;
  NodeNetwork& operator=(const NodeNetwork&) = delete;

  // Sets the kernel up (forwarding, masquerading) and begins to follow the nodes. Error: what the
  // kernel refuses; the rest is done all the same.
  Status start();
  // The node has a range and its CNI configuration is in place: pods can be started.
  bool ready() const { return !pod_cidrs_.empty(); }
  const std::vector<std::string>& pod_cidrs() const { return pod_cidrs_; }
  // Called each time the node has got another range.
  void on_ready(std::function<void()> handler) { on_ready_ = std::move(handler); }
  // Takes routes, masquerading, the CNI configuration and the bridge away. For reset, when no pods are
  // left; the object does nothing afterwards. Kernel settings stay: others may rely on them.
  Status erase();

 private:
  void reconcile(bool anyway);
  void sync_routes_to(std::vector<Route> wanted, bool anyway);

  Log& log_;
  NodeNetworkOptions options_;
  client::Informer nodes_;
  NftTable table_;
  std::vector<std::string> pod_cidrs_;
  std::vector<Route> routes_;  // as last asked for
  std::string route_failure_;  // as last logged
  std::function<void()> on_ready_;
  bool erased_ = false;
  bool synced_once_ = false;  // what an earlier process left has been looked at
  Timer resync_;
};

// Lets packets through between interfaces, and shows bridged ones to nftables, without which a pod's
// answer to its neighbour on the same bridge would skip the reversal of a service's address. Error:
// what could not be set, and what that means.
Status prepare_kernel(bool ipv6);

// The routes that node `self` needs, sorted: to ranges of the cluster's pods and to nothing else. Pure.
std::vector<Route> routes_for(const std::string& self, const std::vector<std::string>& cluster_cidrs,
                              const std::vector<api::ObjectPtr>& nodes);

}  // namespace keelson::network
