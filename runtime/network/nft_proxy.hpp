// Enforces the service rules of a node in nftables (table `inet keelson-services`): connections to
// cluster IPs, node ports, external and load balancer addresses go to ready endpoints.
//
//   proxy::Proxier proxier(loop, client, rng, {.node = "n1"});
//   NftProxy proxy(loop, log, proxier.rules(), {.node = "n1", .pod_cidrs = {"10.244.0.0/16"}});
//   proxy.start();
//   proxier.start();
//
// Each batch of changes is one transaction that touches only the services that changed. Until the
// first batch, which comes when the lists are complete, what an earlier process left stays in force;
// it also stays when this object goes, so that a restarted agent interrupts nobody. What somebody else
// destroys in the table is put back within a second.
//
// On the core thread, in the network namespace of the thread that makes it. Needs CAP_NET_ADMIN.
// Sources: Kubernetes pkg/proxy (behaviour), nft(8).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/log.hpp"
#include "core/proxy/service_rules.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/network/conntrack.hpp"
#include "runtime/network/nft_table.hpp"
#include "runtime/network/service_part.hpp"

namespace keelson::network {

struct NftProxyOptions {
  std::string node;
  // The ranges of all pods of the cluster. Where none is given, nothing counts as a pod: clients
  // outside that use a cluster IP are not masqueraded, and Local policies hold for pods, too.
  std::vector<std::string> pod_cidrs;
  // Cluster IPs that this node answers itself (DnsServer's): no rules for them.
  std::set<std::string> served_here;
};

class NftProxy {
 public:
  // Takes rules.on_change(). `rules` and `log` must outlive this.
  NftProxy(runtime::AsioLoop& loop, Log& log, proxy::ServiceRules& rules, NftProxyOptions options);

  // Error: denied without the right to administer the network; the proxy works without it only as far
  // as others leave its table alone.
  Status start();
  // Takes everything out of the kernel. For reset.
  Status erase() { return table_.erase(); }

  const NftTable& table() const { return table_; }

 private:
  void on_change(const proxy::RuleChange& change);
  void forget_flows();

  Log& log_;
  ServicePartOptions options_;
  NftTable table_;
  // Services with UDP ports that have changed since the last commit, for stale flows.
  std::map<std::pair<std::string, std::string>, std::pair<proxy::TablePtr, proxy::TablePtr>>
      datagram_changes_;
};

}  // namespace keelson::network
