// What one service is in nftables: chains that choose a backend, and the addresses that lead to them.
// Pure: a table in, text out.
//
// Per port and address family there are up to three chains, named svc/, ext/ and all/ and then
// NAMESPACE/NAME/PORT/PROTOCOL/4 (or 6):
//   svc  connections from inside, to the cluster IP
//   ext  connections to node ports, external and load balancer addresses
//   all  every endpoint
//   from the source ranges of a load balancer's addresses
// With session affinity each endpoint has a chain ep/... and a set of the clients that stick to it.
#pragma once

#include <set>
#include <string>

#include "core/proxy/service_table.hpp"
#include "runtime/network/nft_table.hpp"

namespace keelson::network {

struct ServicePartOptions {
  std::string node;  // whose own endpoints Local policies mean
  // The cluster's pod addresses are known (sets pods4, pods6): others are masqueraded when they use a
  // cluster IP, so that the answers come back this way.
  bool pods_known = false;
  // Cluster IPs that this node answers itself, like the cluster's DNS: no rules for them.
  std::set<std::string> served_here;
};

NftPart service_part(const proxy::ServiceTable& table, const ServicePartOptions& options);

// The sets, maps and base chains that the parts hang from. `pods`: ranges of the cluster's pods.
std::string service_skeleton(const std::vector<std::string>& pods);

}  // namespace keelson::network
