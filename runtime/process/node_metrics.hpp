// The figures of a node's network and pods for its /metrics; those of its endpoint and containers
// are runtime/node's.
#pragma once

#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "runtime/network/dns_server.hpp"
#include "runtime/network/nft_table.hpp"

namespace keelson::runtime {

struct NodeMetricsSources {
  std::vector<api::Ref<api::Pod>> pods;          // that are bound to the node
  std::vector<const network::NftTable*> tables;  // in the kernel
  const network::DnsServer* dns = nullptr;
};

std::string node_metrics(const NodeMetricsSources& sources);

}  // namespace keelson::runtime
