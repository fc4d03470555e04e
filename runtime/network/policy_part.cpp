#include "runtime/network/policy_part.hpp"

#include <algorithm>

namespace keelson::network {
namespace {

using api::IpRange;
using proxy::Allowance;
using proxy::PolicyName;

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool known(const std::string& protocol) {
  return protocol == "TCP" || protocol == "UDP" || protocol == "SCTP";
}

std::string text_of(const PolicyName& name) { return nft_name(name.first, name.second); }

// Of one address family, without those that lie in another one: sets of ranges refuse overlaps.
std::vector<IpRange> apart(const std::set<IpRange>& ranges, bool six) {
  std::vector<IpRange> sorted;
  for (const IpRange& range : ranges) {
    if (range.ipv6 == six) sorted.push_back(range);
  }
  std::sort(sorted.begin(), sorted.end(), [](const IpRange& a, const IpRange& b) {
    return a.address != b.address ? a.address < b.address : a.bits < b.bits;
  });
  std::vector<IpRange> result;
  for (const IpRange& range : sorted) {
    if (result.empty() || !result.back().contains(range)) result.push_back(range);
  }
  return result;
}

std::string address_text(const IpRange& range) {
  return range.bits == range.width() ? api::ip_text(range.address, range.ipv6) : range.to_string();
}

// The rules of one Allowance for one family.
class RuleWriter {
 public:
  RuleWriter(NftPart& part, std::string chain, std::string id, bool in, bool six)
      : part_(part), chain_(std::move(chain)), id_(std::move(id)), in_(in), six_(six) {}

  void write(const Allowance& rule) {
    std::string peer;
    if (!rule.any_peer) {
      const std::vector<IpRange> ranges = apart(rule.peers, six_);
      if (ranges.empty()) return;
      const std::string set = "peers/" + id_ + (six_ ? "/6" : "/4");
      part_.sets[set] = std::string("type ") + type() + "; flags interval;";
      for (const IpRange& range : ranges) part_.elements[set][address_text(range)];
      peer = ip() + (in_ ? " saddr @" : " daddr @") + set + " ";
    }
    std::vector<std::string>& rules = part_.chains[chain_];
    const std::string family = std::string("meta nfproto ") + (six_ ? "ipv6 " : "ipv4 ");
    if (rule.any_port) {
      rules.push_back(family + peer + "accept");
      return;
    }
    for (const proxy::PortRange& ports : rule.ports) {
      if (!known(ports.protocol) || ports.first > ports.last) continue;
      std::string match = "meta l4proto " + lowered(ports.protocol) + " ";
      if (ports.first != 0 || ports.last != 65535) {
        match += "th dport " + std::to_string(ports.first) +
                 (ports.last != ports.first ? "-" + std::to_string(ports.last) : "") + " ";
      }
      rules.push_back(family + peer + match + "accept");
    }
    write_sockets(rule, peer);
  }

 private:
  void write_sockets(const Allowance& rule, const std::string& peer) {
    const std::string set = "ports/" + id_ + (six_ ? "/6" : "/4");
    bool any = false;
    for (const proxy::Socket& socket : rule.sockets) {
      if (socket.address.ipv6 != six_ || !known(socket.protocol)) continue;
      any = true;
      part_.elements[set][address_text(socket.address) + " . " + lowered(socket.protocol) + " . " +
                          std::to_string(socket.port)];
    }
    if (!any) return;
    part_.sets[set] = std::string("type ") + type() + " . inet_proto . inet_service;";
    part_.chains[chain_].push_back(peer + ip() + " daddr . meta l4proto . th dport @" + set +
                                   " accept");
  }
  std::string ip() const { return six_ ? "ip6" : "ip"; }
  const char* type() const { return six_ ? "ipv6_addr" : "ipv4_addr"; }

  NftPart& part_;
  std::string chain_, id_;
  bool in_, six_;
};

void write_direction(NftPart& part, const PolicyName& name, const std::vector<Allowance>& rules,
                     bool in) {
  const std::string chain = (in ? "pin/" : "pout/") + text_of(name);
  part.chains[chain];  // also without rules: pods lead there
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string id = (in ? "in/" : "out/") + text_of(name) + "/" + std::to_string(i);
    for (const bool six : {false, true}) RuleWriter(part, chain, id, in, six).write(rules[i]);
  }
}

}  // namespace

NftPart policy_part(const PolicyName& name, const proxy::PolicyTable& table) {
  NftPart part;
  if (table.isolates_in) write_direction(part, name, table.in, true);
  if (table.isolates_out) write_direction(part, name, table.out, false);
  return part;
}

NftPart isolation_part(const PolicyName& pod, const proxy::PodIsolation& isolation) {
  NftPart part;
  for (const bool in : {true, false}) {
    const std::set<PolicyName>& policies = in ? isolation.in : isolation.out;
    if (policies.empty()) continue;
    const std::string chain = (in ? "in/" : "out/") + text_of(pod);
    std::vector<std::string>& rules = part.chains[chain];
    for (const PolicyName& policy : policies) {
      rules.push_back(std::string("jump ") + (in ? "pin/" : "pout/") + text_of(policy));
    }
    rules.push_back("drop");
    for (const IpRange& address : isolation.addresses) {
      part.elements[std::string(in ? "in" : "out") + (address.ipv6 ? "6" : "4")]
                   [api::ip_text(address.address, address.ipv6)] = "goto " + chain;
    }
  }
  return part;
}

// Neighbours on a bridge must find each other by IPv6, whatever they may say to each other then.
std::string policy_skeleton() {
  return R"(
map in4 { type ipv4_addr : verdict; }
map in6 { type ipv6_addr : verdict; }
map out4 { type ipv4_addr : verdict; }
map out6 { type ipv6_addr : verdict; }
chain way_out {
  type filter hook forward priority 5; policy accept;
  ct state { established, related } accept
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  ip saddr vmap @out4
  ip6 saddr vmap @out6
}
chain way_in {
  type filter hook forward priority 6; policy accept;
  ct state { established, related } accept
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  ip daddr vmap @in4
  ip6 daddr vmap @in6
}
)";
}

}  // namespace keelson::network
