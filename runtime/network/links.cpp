#include "runtime/network/links.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "core/api/ip_range.hpp"
#include "runtime/network/netlink.hpp"

namespace keelson::network {
namespace {

Status change_address(uint16_t type, uint16_t flags, const std::string& ip) {
  const auto range = api::IpRange::parse(ip);
  if (!range) return {Code::invalid, "not an address: " + ip};
  Result<Netlink> socket = Netlink::open(NETLINK_ROUTE);
  if (!socket.ok()) return socket.error();
  ifaddrmsg header{};
  header.ifa_family = range->ipv6 ? AF_INET6 : AF_INET;
  header.ifa_prefixlen = range->ipv6 ? 128 : 32;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = if_nametoindex("lo");
  NetlinkRequest request(type, flags);
  request.header(header);
  const std::size_t size = range->ipv6 ? 16 : 4;
  const uint8_t* bytes = range->address.data() + (16 - size);
  request.attribute(IFA_LOCAL, bytes, size);
  request.attribute(IFA_ADDRESS, bytes, size);
  return socket->call(request);
}

bool means(const Status& status, int code) {
  return status.message().find(std::strerror(code)) != std::string::npos;
}

}  // namespace

Status add_loopback_address(const std::string& ip) {
  const Status done = change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ip);
  return done.code() == Code::exists ? Status() : done;
}

Status remove_loopback_address(const std::string& ip) {
  const Status done = change_address(RTM_DELADDR, 0, ip);
  return means(done, EADDRNOTAVAIL) ? Status() : done;
}

Status remove_link(const std::string& name) {
  Result<Netlink> socket = Netlink::open(NETLINK_ROUTE);
  if (!socket.ok()) return socket.error();
  NetlinkRequest request(RTM_DELLINK, 0);
  request.header(ifinfomsg{});
  request.text(IFLA_IFNAME, name);
  const Status done = socket->call(request);
  return means(done, ENODEV) ? Status() : done;
}

}  // namespace keelson::network
