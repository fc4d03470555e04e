// Routes to the other nodes' pods, through rtnetlink. Only routes with our own protocol number are
// looked at and removed: what an administrator or another program has set up stays.
// Source: rtnetlink(7).
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "core/api/ip_range.hpp"
#include "core/base/result.hpp"

namespace keelson::network {

// As `ip route` shows it: "proto 75". Not in use according to iproute2's list.
constexpr unsigned char kRouteProtocol = 75;

struct Route {
  api::IpRange destination;
  api::IpBytes gateway{};  // of the same family, on a network that this host is attached to
  friend auto operator<=>(const Route&, const Route&) = default;
};

// Makes the kernel's main table have exactly `wanted` among the routes of ours. Goes on after a route
// that the kernel refuses (its gateway cannot be reached, say) and then names the first one.
struct RouteChanges {
  int added = 0, removed = 0;
  Status first_failure;
};
Result<RouteChanges> sync_routes(const std::vector<Route>& wanted);

}  // namespace keelson::network
