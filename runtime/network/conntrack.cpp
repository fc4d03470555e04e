#include "runtime/network/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "runtime/network/netlink.hpp"

namespace keelson::network {
namespace {

uint16_t message_type(uint8_t message) {
  return static_cast<uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | message);
}

struct Tuple {
  api::IpBytes source{}, destination{};
  uint16_t source_port = 0, destination_port = 0;
  uint8_t protocol = 0;
};

api::IpBytes address_of(std::string_view data) {
  api::IpBytes bytes{};
  const std::size_t size = std::min(data.size(), bytes.size());
  std::memcpy(bytes.data() + (bytes.size() - size), data.data(), size);
  return bytes;
}

Tuple read_tuple(std::string_view bytes) {
  Tuple tuple;
  for (const NetlinkAttribute& part : netlink_attributes(bytes)) {
    for (const NetlinkAttribute& one : netlink_attributes(part.data)) {
      if (part.type == CTA_TUPLE_IP) {
        if (one.type == CTA_IP_V4_SRC || one.type == CTA_IP_V6_SRC) {
          tuple.source = address_of(one.data);
        } else if (one.type == CTA_IP_V4_DST || one.type == CTA_IP_V6_DST) {
          tuple.destination = address_of(one.data);
        }
      } else if (part.type == CTA_TUPLE_PROTO) {
        if (one.type == CTA_PROTO_NUM) tuple.protocol = one.as<uint8_t>();
        if (one.type == CTA_PROTO_SRC_PORT) tuple.source_port = ntohs(one.as<uint16_t>());
        if (one.type == CTA_PROTO_DST_PORT) tuple.destination_port = ntohs(one.as<uint16_t>());
      }
    }
  }
  return tuple;
}

struct Flow {
  uint8_t family = 0;
  std::string original;  // as the kernel wrote it: what a deletion names
  std::string zone;
};

bool stale(const Tuple& original, const Tuple& reply, const std::vector<DatagramFront>& fronts) {
  const api::IpBytes any{};
  return std::any_of(fronts.begin(), fronts.end(), [&](const DatagramFront& front) {
    if (front.port != original.destination_port) return false;
    // A node port is any address of the node's; a pod's own port of that number is none, and shows by
    // not having been rewritten.
    const bool node_port = front.address == any;
    if (!node_port && front.address != original.destination) return false;
    const bool rewritten = reply.source != original.destination ||
                           reply.source_port != original.destination_port;
    if (node_port && !rewritten) return false;
    return !front.backends.contains({reply.source, reply.source_port});
  });
}

Result<std::vector<Flow>> find_stale(Netlink& socket, const std::vector<DatagramFront>& fronts,
                                     uint8_t family) {
  std::vector<Flow> found;
  NetlinkRequest request(message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP);
  request.header(nfgenmsg{family, NFNETLINK_V0, 0});
  const Status done = socket.dump(
      request, [&] { found.clear(); },
      [&](const nlmsghdr& message) {
        Flow flow;
        flow.family = family;
        Tuple original, reply;
        for (const auto& one : netlink_attributes(netlink_body(message, sizeof(nfgenmsg)))) {
          if (one.type == CTA_TUPLE_ORIG) {
            flow.original = one.data;
            original = read_tuple(one.data);
          } else if (one.type == CTA_TUPLE_REPLY) {
            reply = read_tuple(one.data);
          } else if (one.type == CTA_ZONE) {
            flow.zone = one.data;
          }
        }
        if (original.protocol == IPPROTO_UDP && stale(original, reply, fronts)) {
          found.push_back(std::move(flow));
        }
      });
  if (!done.ok()) return done.error();
  return found;
}

}  // namespace

Result<int> forget_stale_flows(const std::vector<DatagramFront>& fronts) {
  Result<Netlink> socket = Netlink::open(NETLINK_NETFILTER);
  if (!socket.ok()) return socket.error();
  int count = 0;
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
    const Result<std::vector<Flow>> flows = find_stale(*socket, fronts, family);
    if (!flows.ok()) return flows.error();
    for (const Flow& flow : *flows) {
      NetlinkRequest request(message_type(IPCTNL_MSG_CT_DELETE), 0);
      request.header(nfgenmsg{flow.family, NFNETLINK_V0, 0});
      request.attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.original.data(), flow.original.size());
      if (!flow.zone.empty()) request.attribute(CTA_ZONE, flow.zone.data(), flow.zone.size());
      // One that has ended by itself meanwhile is as good.
      if (socket->call(request).ok()) ++count;
    }
  }
  return count;
}

}  // namespace keelson::network
