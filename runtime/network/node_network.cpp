#include "runtime/network/node_network.hpp"

#include <algorithm>
#include <fstream>

#include "runtime/network/links.hpp"

namespace keelson::network {
namespace {

// Routes can vanish without a word (an interface that goes down takes them along): looked at this
// often, which costs the kernel about 0.1 ms.
constexpr Duration kResyncPeriod = 10s;

std::string elements_of(const std::vector<std::string>& cidrs, bool six) {
  std::string elements;
  for (const std::string& text : cidrs) {
    const auto range = api::IpRange::parse(text);
    if (range && range->ipv6 == six) elements += (elements.empty() ? "" : ", ") + range->to_string();
  }
  return elements.empty() ? "" : "elements = { " + elements + " };";
}

std::string masquerade_skeleton(const NodeNetworkOptions& options) {
  const std::string out = "oifname != \"" + options.cni.bridge + "\" masquerade fully-random\n";
  return "set pods4 { type ipv4_addr; flags interval; " + elements_of(options.cluster_cidrs, false) +
         " }\nset pods6 { type ipv6_addr; flags interval; " +
         elements_of(options.cluster_cidrs, true) +
         " }\n"
         // Behind the service rules (95), before those of CNI plugins and of iptables (100).
         "chain leaving {\n type nat hook postrouting priority 96; policy accept;\n"
         " ip saddr @pods4 ip daddr != @pods4 ip daddr != 224.0.0.0/4 " + out +
         " ip6 saddr @pods6 ip6 daddr != @pods6 ip6 daddr != ff00::/8 " + out + "}\n";
}

client::InformerOptions node_informer(const NodeNetworkOptions& options) {
  client::InformerOptions informer;
  informer.kind = api::Kind::nodes;
  informer.user = options.user;
  informer.actor = options.actor.empty() ? "network/" + options.node : options.actor;
  return informer;
}

std::vector<std::string> cidrs_of(const api::Node& node) {
  std::vector<std::string> result(node.spec().pod_cidrs().begin(), node.spec().pod_cidrs().end());
  if (result.empty() && !node.spec().pod_cidr().empty()) result.push_back(node.spec().pod_cidr());
  return result;
}

bool write_setting(const std::string& path, const std::string& value) {
  std::string now;
  std::ifstream(path) >> now;
  if (now == value) return true;
  std::ofstream file(path);
  file << value << std::flush;
  return file.good();
}

}  // namespace

Status prepare_kernel(bool ipv6) {
  std::string trouble;
  const auto want = [&](const std::string& name, const char* why) {
    if (!write_setting("/proc/sys/net/" + name, "1")) trouble += name + " is not 1: " + why + "; ";
  };
  want("ipv4/ip_forward", "pods reach nothing outside their node");
  if (ipv6) want("ipv6/conf/all/forwarding", "pods reach nothing outside their node by IPv6");
  const char* bridged = "services of pods on one node fail (load the module br_netfilter)";
  want("bridge/bridge-nf-call-iptables", bridged);
  if (ipv6) want("bridge/bridge-nf-call-ip6tables", bridged);
  if (trouble.empty()) return {};
  trouble.resize(trouble.size() - 2);
  return {Code::denied, trouble};
}

std::vector<Route> routes_for(const std::string& self, const std::vector<std::string>& cluster_cidrs,
                              const std::vector<api::ObjectPtr>& nodes) {
  std::vector<api::IpRange> cluster;
  for (const std::string& cidr : cluster_cidrs) {
    if (const auto range = api::IpRange::parse(cidr)) cluster.push_back(*range);
  }
  std::vector<Route> routes;
  for (const api::ObjectPtr& object : nodes) {
    if (object->name() == self) continue;
    const auto& node = object->as<api::Node>();
    for (const std::string& cidr : cidrs_of(node)) {
      const auto range = api::IpRange::parse(cidr);
      const auto holds = [&](const api::IpRange& whole) { return whole.contains(*range); };
      if (!range || std::none_of(cluster.begin(), cluster.end(), holds)) continue;
      for (const auto& address : node.status().addresses()) {
        Route route{*range, {}};
        const int version = api::parse_ip(address.address(), route.gateway);
        if (address.type() != "InternalIP" || version != (range->ipv6 ? 6 : 4)) continue;
        routes.push_back(route);
        break;
      }
    }
  }
  std::sort(routes.begin(), routes.end());
  // Two nodes with one range are somebody's mistake; the kernel can follow only one of them.
  routes.erase(std::unique(routes.begin(), routes.end(),
                           [](const Route& a, const Route& b) {
                             return a.destination == b.destination;
                           }),
               routes.end());
  return routes;
}

NodeNetwork::NodeNetwork(runtime::AsioLoop& loop, Log& log, client::ApiClient& client, Rng rng,
                         NodeNetworkOptions options)
    : log_(log),
      options_(std::move(options)),
      nodes_(loop, client, rng, node_informer(options_)),
      table_(loop, log, "keelson-node", masquerade_skeleton(options_)),
      resync_(loop, [this] { reconcile(true); }) {}

Status NodeNetwork::start() {
  const bool ipv6 = std::any_of(options_.cluster_cidrs.begin(), options_.cluster_cidrs.end(),
                                [](const std::string& cidr) {
                                  const auto range = api::IpRange::parse(cidr);
                                  return range && range->ipv6;
                                });
  Status result = prepare_kernel(ipv6);
  for (const Status& done : {table_.start(), table_.commit()}) {
    if (!done.ok() && result.ok()) result = done;
  }
  nodes_.on_progress([this] { reconcile(false); });
  nodes_.start();
  return result;
}

void NodeNetwork::sync_routes_to(std::vector<Route> wanted, bool anyway) {
  if (wanted == routes_ && !anyway) return;
  routes_ = std::move(wanted);
  const Result<RouteChanges> changes = sync_routes(routes_);
  std::string failure;
  if (!changes.ok()) {
    failure = changes.error().message;
  } else {
    if (changes->added + changes->removed > 0) {
      log_.info("routes_changed", {{"added", changes->added}, {"removed", changes->removed}});
    }
    failure = changes->first_failure.message();
  }
  if (!failure.empty() && failure != route_failure_) log_.warning("route_failed", {{"why", failure}});
  route_failure_ = failure;
}

void NodeNetwork::reconcile(bool anyway) {
  if (!nodes_.synced() || erased_) return;
  resync_.arm_by(kResyncPeriod);
  std::vector<api::ObjectPtr> nodes;
  for (const auto& [name, object] : nodes_.objects()) nodes.push_back(object);
  sync_routes_to(routes_for(options_.node, options_.cluster_cidrs, nodes), anyway || !synced_once_);
  synced_once_ = true;

  const api::ObjectPtr self = nodes_.get("", options_.node);
  if (!self) return;
  const std::vector<std::string> cidrs = cidrs_of(self->as<api::Node>());
  if (cidrs.empty() || (cidrs == pod_cidrs_ && !anyway)) return;
  const Status written = write_cni_config(options_.cni_dir, options_.cni.name,
                                          cni_conflist(cidrs, options_.cni));
  if (!written.ok()) {
    log_.error("cni_config_not_written", {{"why", written.message()}});
    return;
  }
  if (cidrs == pod_cidrs_) return;
  pod_cidrs_ = cidrs;
  log_.info("pod_network_ready", {{"range", cidrs.front()}});
  if (on_ready_) on_ready_();
}

Status NodeNetwork::erase() {
  erased_ = true;
  resync_.disarm();
  pod_cidrs_.clear();
  Status result = table_.erase();
  const Result<RouteChanges> routes = sync_routes({});
  if (!routes.ok() && result.ok()) result = routes.error();
  const Status config = remove_cni_config(options_.cni_dir, options_.cni.name);
  if (!config.ok() && result.ok()) result = config;
  const Status link = remove_link(options_.cni.bridge);
  return result.ok() ? link : result;
}

}  // namespace keelson::network
