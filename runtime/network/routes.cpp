#include "runtime/network/routes.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "runtime/network/netlink.hpp"

namespace keelson::network {
namespace {

std::string_view raw(const api::IpBytes& bytes, bool ipv6) {
  const std::size_t size = ipv6 ? 16 : 4;
  return {reinterpret_cast<const char*>(bytes.data()) + (16 - size), size};
}

api::IpBytes from_raw(std::string_view data) {
  api::IpBytes bytes{};
  if (data.size() <= 16) std::memcpy(bytes.data() + (16 - data.size()), data.data(), data.size());
  return bytes;
}

rtmsg header_of(const Route& route) {
  rtmsg header{};
  header.rtm_family = route.destination.ipv6 ? AF_INET6 : AF_INET;
  header.rtm_dst_len = route.destination.bits;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = kRouteProtocol;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  return header;
}

Status change(Netlink& socket, uint16_t type, uint16_t flags, const Route& route) {
  NetlinkRequest request(type, flags);
  request.header(header_of(route));
  const std::string_view to = raw(route.destination.address, route.destination.ipv6);
  const std::string_view via = raw(route.gateway, route.destination.ipv6);
  request.attribute(RTA_DST, to.data(), to.size());
  request.attribute(RTA_GATEWAY, via.data(), via.size());
  return socket.call(request);
}

Result<std::set<Route>> routes_of_ours(Netlink& socket) {
  std::set<Route> found;
  for (const unsigned char family : {AF_INET, AF_INET6}) {
    std::vector<Route> routes;
    NetlinkRequest request(RTM_GETROUTE, NLM_F_DUMP);
    rtmsg all{};
    all.rtm_family = family;
    request.header(all);
    const Status done = socket.dump(
        request, [&] { routes.clear(); },
        [&](const nlmsghdr& message) {
          if (message.nlmsg_type != RTM_NEWROUTE) return;
          const auto* header = static_cast<const rtmsg*>(NLMSG_DATA(&message));
          if (header->rtm_protocol != kRouteProtocol || header->rtm_table != RT_TABLE_MAIN) return;
          Route route;
          route.destination.ipv6 = family == AF_INET6;
          route.destination.bits = header->rtm_dst_len;
          for (const auto& one : netlink_attributes(netlink_body(message, sizeof(rtmsg)))) {
            if (one.type == RTA_DST) route.destination.address = from_raw(one.data);
            if (one.type == RTA_GATEWAY) route.gateway = from_raw(one.data);
          }
          routes.push_back(route);
        });
    if (!done.ok()) return done.error();
    found.insert(routes.begin(), routes.end());
  }
  return found;
}

}  // namespace

Result<RouteChanges> sync_routes(const std::vector<Route>& wanted) {
  Result<Netlink> socket = Netlink::open(NETLINK_ROUTE);
  if (!socket.ok()) return socket.error();
  const Result<std::set<Route>> present = routes_of_ours(*socket);
  if (!present.ok()) return present.error();
  RouteChanges changes;
  const auto failed = [&](const Route& route, const Status& status) {
    if (!changes.first_failure.ok()) return;
    changes.first_failure = {status.code(), "route to " + route.destination.to_string() + " via " +
                                                api::ip_text(route.gateway, route.destination.ipv6) +
                                                ": " + status.message()};
  };
  for (const Route& route : *present) {
    if (std::find(wanted.begin(), wanted.end(), route) != wanted.end()) continue;
    const Status done = change(*socket, RTM_DELROUTE, 0, route);
    if (done.ok()) ++changes.removed;
    if (!done.ok() && done.code() != Code::not_found) failed(route, done);
  }
  for (const Route& route : wanted) {
    if (present->contains(route)) continue;
    const Status done = change(*socket, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
    if (done.ok()) ++changes.added;
    if (!done.ok()) failed(route, done);
  }
  return changes;
}

}  // namespace keelson::network
