// Connections that the kernel remembers and should not any more: it keeps sending datagrams where the
// first of a flow went, also when that backend is gone. Source: linux/netfilter/nfnetlink_conntrack.h.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/api/ip_range.hpp"
#include "core/base/result.hpp"

namespace keelson::network {

// One address of a service that takes datagrams.
struct DatagramFront {
  api::IpBytes address{};  // of the service; all zero: any, `port` being a node port
  uint16_t port = 0;
  // The backends that flows may go to now. The others are forgotten, those that went nowhere too.
  std::set<std::pair<api::IpBytes, uint16_t>> backends;
};

// Forgets the stale UDP flows; says how many. A dump of all flows: about 1 ms per thousand.
Result<int> forget_stale_flows(const std::vector<DatagramFront>& fronts);

}  // namespace keelson::network
