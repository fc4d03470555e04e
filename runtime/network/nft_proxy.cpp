#include "runtime/network/nft_proxy.hpp"

#include <algorithm>

namespace keelson::network {
namespace {

using proxy::PortTable;
using proxy::ServiceTable;
using proxy::TablePtr;

bool takes_datagrams(const TablePtr& table) {
  return table && std::any_of(table->ports.begin(), table->ports.end(),
                              [](const PortTable& port) { return port.protocol == "UDP"; });
}

api::IpBytes bytes_of(const std::string& ip) {
  api::IpBytes bytes{};
  api::parse_ip(ip, bytes);
  return bytes;
}

std::set<std::pair<api::IpBytes, uint16_t>> backends_of(const ServiceTable& table,
                                                        const PortTable& port) {
  std::set<std::pair<api::IpBytes, uint16_t>> result;
  for (const auto* targets : {&port.ready, &port.terminating}) {
    for (const proxy::Target& target : *targets) {
      result.emplace(bytes_of(table.endpoints[target.endpoint].ip),
                     static_cast<uint16_t>(target.port));
    }
  }
  return result;
}

// The addresses of `table`, with the backends that `now` still has at the same place.
void add_fronts(const ServiceTable& table, const TablePtr& now, std::vector<DatagramFront>& out) {
  for (const PortTable& port : table.ports) {
    if (port.protocol != "UDP") continue;
    DatagramFront front;
    if (now) {
      for (const PortTable& one : now->ports) {
        if (one.protocol == "UDP" && one.port == port.port) front.backends = backends_of(*now, one);
      }
    }
    const auto add = [&](const std::string& ip, int32_t number) {
      front.address = ip.empty() ? api::IpBytes{} : bytes_of(ip);
      front.port = static_cast<uint16_t>(number);
      out.push_back(front);
    };
    for (const std::string& ip : table.cluster_ips) add(ip, port.port);
    for (const std::string& ip : table.external_ips) add(ip, port.port);
    if (port.node_port != 0) add("", port.node_port);
  }
}

}  // namespace

NftProxy::NftProxy(runtime::AsioLoop& loop, Log& log, proxy::ServiceRules& rules,
                   NftProxyOptions options)
    : log_(log),
      options_{options.node, !options.pod_cidrs.empty(), std::move(options.served_here)},
      table_(loop, log, "keelson-services", service_skeleton(options.pod_cidrs)) {
  rules.on_change([this](const proxy::RuleChange& change) { on_change(change); });
  table_.on_committed([this] { forget_flows(); });
}

Status NftProxy::start() { return table_.start(); }

void NftProxy::on_change(const proxy::RuleChange& change) {
  const ServiceTable& any = change.after ? *change.after : *change.before;
  table_.put(any.ns + "/" + any.name,
             change.after ? service_part(*change.after, options_) : NftPart());
  if (takes_datagrams(change.before) || takes_datagrams(change.after)) {
    auto& pair = datagram_changes_
                     .try_emplace({any.ns, any.name}, change.before, change.after)
                     .first->second;
    pair.second = change.after;
  }
  table_.commit_soon();
}

void NftProxy::forget_flows() {
  std::vector<DatagramFront> fronts;
  for (const auto& [name, change] : datagram_changes_) {
    if (change.first) add_fronts(*change.first, change.second, fronts);
    // Flows of a time without endpoints went nowhere and would go on doing so.
    if (change.second) add_fronts(*change.second, change.second, fronts);
  }
  datagram_changes_.clear();
  std::erase_if(fronts, [&](const DatagramFront& front) {
    return front.address != api::IpBytes{} &&
           std::any_of(options_.served_here.begin(), options_.served_here.end(),
                       [&](const std::string& ip) { return bytes_of(ip) == front.address; });
  });
  if (fronts.empty()) return;
  const Result<int> count = forget_stale_flows(fronts);
  if (!count.ok()) {
    log_.warning("flows_not_forgotten", {{"why", count.error().message}});
  } else if (*count > 0) {
    log_.info("flows_forgotten", {{"count", *count}});
  }
}

}  // namespace keelson::network
