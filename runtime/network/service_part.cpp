#include "runtime/network/service_part.hpp"

#include <algorithm>
#include <utility>

#include "core/api/ip_range.hpp"

namespace keelson::network {
namespace {

using proxy::Endpoint;
using proxy::PortTable;
using proxy::ServiceTable;
using proxy::Target;

// Marks a connection that leaves with this node's address. The bit that Kubernetes' proxies use, too:
// whatever else runs on the node expects it there and leaves it alone.
const std::string kMark = "meta mark set meta mark | 0x4000";

// Up to so many endpoints are chosen by a rule each, more by a map. The kernel takes the longer to make
// a map the more there are in the table: 5,000 of them cost 3 s, as many rules 0.3 s.
constexpr std::size_t kFew = 4;

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// An address and a port, as they stand in rules.
struct Place {
  std::string ip;
  int32_t port = 0;
  bool local = false;
};

class PortWriter {
 public:
  PortWriter(const ServiceTable& table, const PortTable& port, bool six,
             const ServicePartOptions& options, NftPart& part)
      : table_(table), port_(port), options_(options), part_(part), six_(six) {
    family_ = six ? "6" : "4";
    ip_ = six ? "ip6" : "ip";
    protocol_ = lower_case(port.protocol);
    id_ = nft_name(table.ns, table.name) + "/" + std::to_string(port.port) + "/" + protocol_ + "/" +
          family_;
    const std::vector<Place> ready = places(port.ready), ending = places(port.terminating);
    all_ = ready.empty() ? ending : ready;
    local_ = only_local(ready);
    if (local_.empty()) local_ = only_local(ending);
  }

  void write() {
    const std::vector<Place>& inside = table_.local_only_inside ? local_ : all_;
    bool any_front = false, any_external = false;
    for (const std::string& ip : table_.cluster_ips) {
      const std::string at = address(ip);
      if (at.empty() || options_.served_here.contains(ip)) continue;
      const std::string key = at + " . " + protocol_ + " . " + std::to_string(port_.port);
      part_.elements["cluster_ip" + family_][at];
      if (inside.empty()) {
        part_.elements["refused" + family_][key] = all_.empty() ? "goto refuse" : "drop";
      } else {
        part_.elements["service" + family_][key] = "goto svc/" + id_;
        any_front = true;
      }
    }
    for (const std::string& ip : table_.external_ips) {
      const std::string at = address(ip);
      if (at.empty()) continue;
      const std::string key = at + " . " + protocol_ + " . " + std::to_string(port_.port);
      any_external |= external("", key);
      const auto& guarded = table_.balancer_ips;
      if (std::find(guarded.begin(), guarded.end(), ip) != guarded.end()) guard(key);
    }
    if (port_.node_port != 0) {
      any_external |= external("_port", protocol_ + " . " + std::to_string(port_.node_port));
    }
    if (any_front) write_inside(inside);
    if (any_external) write_external();
    for (const Place& place : all_) write_hairpin(place);
    for (const Place& place : local_) write_hairpin(place);
  }

 private:
  // Empty: none of this family.
  std::string address(const std::string& ip) const {
    api::IpBytes bytes;
    return api::parse_ip(ip, bytes) == (six_ ? 6 : 4) ? api::ip_text(bytes, six_) : "";
  }
  std::string place_text(const Place& place) const {
    return (six_ ? "[" + place.ip + "]" : place.ip) + ":" + std::to_string(place.port);
  }

  std::vector<Place> places(const std::vector<Target>& targets) const {
    std::vector<Place> result;
    for (const Target& target : targets) {
      const Endpoint& endpoint = table_.endpoints[target.endpoint];
      const std::string ip = address(endpoint.ip);
      if (!ip.empty()) result.push_back({ip, target.port, endpoint.node == options_.node});
    }
    return result;
  }
  static std::vector<Place> only_local(const std::vector<Place>& places) {
    std::vector<Place> result;
    std::copy_if(places.begin(), places.end(), std::back_inserter(result),
                 [](const Place& place) { return place.local; });
    return result;
  }

  // True: the address leads to the ext chain.
  bool external(const std::string& suffix, const std::string& key) {
    if (all_.empty()) {
      part_.elements["refused" + suffix + family_][key] = "goto refuse";
      return false;
    }
    if (table_.local_only_outside && local_.empty()) {
      part_.elements["refused" + suffix + family_][key] = "goto no_local";
    }
    part_.elements[(suffix.empty() ? "service" : "node_port") + family_][key] = "goto ext/" + id_;
    return true;
  }

  // Only those in the source ranges may go on, which is judged before the address is rewritten.
  void guard(const std::string& key) {
    std::string ranges;
    for (const std::string& text : table_.source_ranges) {
      const auto range = api::IpRange::parse(text);
      if (!range || range->ipv6 != six_) continue;
      ranges += (ranges.empty() ? "" : ", ") + range->to_string();
    }
    if (ranges.empty() || all_.empty()) return;
    const bool stays_here = table_.local_only_outside && local_.empty();
    part_.chains["from/" + id_] = {
        ip_ + " saddr @from/" + id_ + (stays_here ? " goto no_local" : " return"), "drop"};
    part_.sets["from/" + id_] = std::string("type ") + (six_ ? "ipv6_addr" : "ipv4_addr") +
                                "; flags interval; auto-merge; elements = { " + ranges + " };";
    part_.elements["refused" + family_][key] = "goto from/" + id_;
  }

  void write_inside(const std::vector<Place>& inside) {
    std::vector<std::string> rules;
    if (options_.pods_known) rules.push_back(ip_ + " saddr != @pods" + family_ + " " + kMark);
    choose(inside, rules);
    part_.chains["svc/" + id_] = std::move(rules);
  }

  void write_external() {
    // To every endpoint. The svc chain does that where it is not limited; its own rule about the
    // source changes nothing then.
    std::vector<std::string>& all = part_.chains["all/" + id_];
    choose(all_, all);
    std::vector<std::string> rules;
    if (table_.local_only_outside) {
      if (options_.pods_known) rules.push_back(ip_ + " saddr @pods" + family_ + " goto all/" + id_);
      rules.push_back("fib saddr type local " + kMark + " goto all/" + id_);
      if (!local_.empty()) choose(local_, rules);
    } else {
      rules.push_back(kMark + " goto all/" + id_);
    }
    part_.chains["ext/" + id_] = std::move(rules);
  }

  void choose(const std::vector<Place>& places, std::vector<std::string>& rules) {
    if (table_.affinity > Duration::zero()) return choose_sticky(places, rules);
    std::string rule = "meta l4proto " + protocol_ + " dnat " + ip_ + " to ";
    if (places.size() <= kFew) {
      // One of three: one in three, else one in two, else the last.
      for (std::size_t i = 0; i < places.size(); ++i) {
        const std::size_t left = places.size() - i;
        const std::string odds = "numgen random mod " + std::to_string(left) + " 0 ";
        rules.push_back((left > 1 ? odds : "") + rule + place_text(places[i]));
      }
      return;
    }
    rule += "numgen random mod " + std::to_string(places.size()) + " map { ";
    for (std::size_t i = 0; i < places.size(); ++i) {
      rule += (i ? ", " : "") + std::to_string(i) + " : " + places[i].ip + " . " +
              std::to_string(places[i].port);
    }
    rules.push_back(rule + " }");
  }

  void choose_sticky(const std::vector<Place>& places, std::vector<std::string>& rules) {
    std::string map;
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::string name = id_ + "/" + places[i].ip + "/" + std::to_string(places[i].port);
      std::replace(name.begin(), name.end(), ':', '_');
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(table_.affinity).count();
      part_.sets["sticky/" + name] = "type " + std::string(six_ ? "ipv6_addr" : "ipv4_addr") +
                                     "; flags dynamic,timeout; timeout " +
                                     std::to_string(seconds) + "s; size 65535;";
      part_.chains["ep/" + name] = {
          "update @sticky/" + name + " { " + ip_ + " saddr }",
          "meta l4proto " + protocol_ + " dnat " + ip_ + " to " + place_text(places[i])};
      rules.push_back(ip_ + " saddr @sticky/" + name + " goto ep/" + name);
      map += (i ? ", " : "") + std::to_string(i) + " : goto ep/" + name;
    }
    rules.push_back("numgen random mod " + std::to_string(places.size()) + " vmap { " + map + " }");
  }

  // A pod that reaches itself through a service must not see its own address as the client's: the
  // answer would never leave it.
  void write_hairpin(const Place& place) {
    if (place.local) part_.elements["hairpin" + family_][place.ip + " . " + place.ip];
  }

  const ServiceTable& table_;
  const PortTable& port_;
  const ServicePartOptions& options_;
  NftPart& part_;
  bool six_;
  std::string family_, ip_, protocol_, id_;
  std::vector<Place> all_, local_;
};

bool has_family(const ServiceTable& table, bool six) {
  return std::any_of(table.cluster_ips.begin(), table.cluster_ips.end(),
                     [&](const std::string& ip) { return proxy::is_ipv6(ip) == six; });
}

std::string pods_set(const std::vector<std::string>& pods, bool six) {
  std::string elements;
  for (const std::string& text : pods) {
    const auto range = api::IpRange::parse(text);
    if (!range || range->ipv6 != six) continue;
    elements += (elements.empty() ? "" : ", ") + range->to_string();
  }
  return std::string("set pods") + (six ? "6 { type ipv6_addr" : "4 { type ipv4_addr") +
         "; flags interval; " + (elements.empty() ? "" : "elements = { " + elements + " };") + " }\n";
}

}  // namespace

NftPart service_part(const ServiceTable& table, const ServicePartOptions& options) {
  NftPart part;
  for (const PortTable& port : table.ports) {
    if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") continue;
    for (const bool six : {false, true}) {
      if (has_family(table, six)) PortWriter(table, port, six, options, part).write();
    }
  }
  return part;
}

// TCP is refused by a reset: an ICMP error that arrives while the caller is still inside connect(), as
// it does on the same machine, is only noted, and the caller waits a second for its second attempt.
std::string service_skeleton(const std::vector<std::string>& pods) {
  return pods_set(pods, false) + pods_set(pods, true) + R"(
map service4 { type ipv4_addr . inet_proto . inet_service : verdict; }
map service6 { type ipv6_addr . inet_proto . inet_service : verdict; }
map node_port4 { type inet_proto . inet_service : verdict; }
map node_port6 { type inet_proto . inet_service : verdict; }
map refused4 { type ipv4_addr . inet_proto . inet_service : verdict; }
map refused6 { type ipv6_addr . inet_proto . inet_service : verdict; }
map refused_port4 { type inet_proto . inet_service : verdict; }
map refused_port6 { type inet_proto . inet_service : verdict; }
set cluster_ip4 { type ipv4_addr; }
set cluster_ip6 { type ipv6_addr; }
set hairpin4 { type ipv4_addr . ipv4_addr; }
set hairpin6 { type ipv6_addr . ipv6_addr; }
chain refuse {
  meta l4proto tcp reject with tcp reset
  reject
}
chain no_local {
  ip saddr @pods4 return
  ip6 saddr @pods6 return
  fib saddr type local return
  drop
}
chain services {
  ip daddr . meta l4proto . th dport vmap @service4
  ip6 daddr . meta l4proto . th dport vmap @service6
  meta nfproto ipv4 fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @node_port4
  meta nfproto ipv6 fib daddr type local ip6 daddr != ::1 meta l4proto . th dport vmap @node_port6
}
chain refusals {
  ip daddr . meta l4proto . th dport vmap @refused4
  ip6 daddr . meta l4proto . th dport vmap @refused6
  meta nfproto ipv4 fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @refused_port4
  meta nfproto ipv6 fib daddr type local ip6 daddr != ::1 meta l4proto . th dport vmap @refused_port6
}
chain unknown_port {
  ip daddr @cluster_ip4 goto refuse
  ip6 daddr @cluster_ip6 goto refuse
}
chain refuse_prerouting { type filter hook prerouting priority -110; policy accept; ct state new jump refusals; }
chain refuse_output { type filter hook output priority -110; policy accept; ct state new jump refusals; }
chain forward { type filter hook forward priority 0; policy accept; ct state new jump unknown_port; }
chain output { type filter hook output priority 0; policy accept; ct state new jump unknown_port; }
chain nat_prerouting { type nat hook prerouting priority -105; policy accept; jump services; }
chain nat_output { type nat hook output priority -105; policy accept; jump services; }
chain nat_postrouting {
  type nat hook postrouting priority 95; policy accept;
  meta mark & 0x4000 == 0x4000 meta mark set meta mark & 0xffffbfff masquerade fully-random
  ct status & dnat == dnat ip saddr . ip daddr @hairpin4 masquerade fully-random
  ct status & dnat == dnat ip6 saddr . ip6 daddr @hairpin6 masquerade fully-random
}
)";
}

}  // namespace keelson::network
