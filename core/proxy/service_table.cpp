#include "core/proxy/service_table.hpp"

#include <algorithm>
#include <set>

namespace keelson::proxy {
namespace {

void read_service(const api::Object& object, ServiceTable* table) {
  const auto& service = object.as<api::Service>();
  const auto& spec = service.spec();
  table->ns = object.ns();
  table->name = object.name();
  table->uid = object.uid();
  if (spec.type() == "ExternalName") {
    table->external_name = spec.external_name();
  } else if (spec.cluster_ip() == "None") {
    table->headless = true;
  } else {
    table->cluster_ips.assign(spec.cluster_ips().begin(), spec.cluster_ips().end());
    if (table->cluster_ips.empty() && !spec.cluster_ip().empty()) {
      table->cluster_ips.push_back(spec.cluster_ip());
    }
  }
  table->external_ips.assign(spec.external_ips().begin(), spec.external_ips().end());
  for (const auto& ingress : service.status().load_balancer().ingress()) {
    if (ingress.ip().empty()) continue;
    table->external_ips.push_back(ingress.ip());
    table->balancer_ips.push_back(ingress.ip());
  }
  table->source_ranges.assign(spec.load_balancer_source_ranges().begin(),
                              spec.load_balancer_source_ranges().end());
  table->local_only_inside = spec.internal_traffic_policy() == "Local";
  table->local_only_outside = spec.external_traffic_policy() == "Local";
  if (spec.session_affinity() == "ClientIP") {
    const auto& client_ip = spec.session_affinity_config().client_ip();
    table->affinity =
        std::chrono::seconds(client_ip.has_timeout_seconds() ? client_ip.timeout_seconds() : 10800);
  }
  for (const auto& port : spec.ports()) {
    PortTable& added = table->ports.emplace_back();
    added.name = port.name();
    added.protocol = port.protocol().empty() ? "TCP" : port.protocol();
    added.port = port.port();
    added.node_port = port.node_port();
  }
}

// In a slice that was written by hand conditions may be absent, which means true: such endpoints
// are there because somebody wants them used.
bool is_ready(const api::discovery::v1::EndpointConditions& conditions) {
  return !conditions.has_ready() || conditions.ready();
}
bool is_serving(const api::discovery::v1::EndpointConditions& conditions) {
  return !conditions.has_serving() || conditions.serving();
}

Endpoint read_endpoint(const api::discovery::v1::Endpoint& from) {
  Endpoint endpoint;
  endpoint.ip = from.addresses(0);
  endpoint.node = from.node_name();
  endpoint.zone = from.zone();
  endpoint.hostname = from.hostname();
  if (from.target_ref().kind() == "Pod") {
    endpoint.pod = from.target_ref().name();
    endpoint.uid = from.target_ref().uid();
  }
  endpoint.ready = is_ready(from.conditions());
  endpoint.serving = is_serving(from.conditions());
  endpoint.terminating = from.conditions().terminating();
  return endpoint;
}

}  // namespace

TablePtr build_table(const api::ObjectPtr& service, const std::vector<api::ObjectPtr>& slices) {
  auto table = std::make_shared<ServiceTable>();
  read_service(*service, table.get());
  table->sources.push_back(service->revision());
  // While an address moves between slices it may be in both: it counts once.
  std::map<std::pair<std::string, std::string>, uint32_t> known;  // address, pod uid
  std::set<std::pair<std::string, std::pair<uint32_t, int32_t>>> placed;
  for (const api::ObjectPtr& object : slices) {
    table->sources.push_back(object->revision());
    const auto& slice = object->as<api::EndpointSlice>();
    if (slice.address_type() == "FQDN") continue;  // names are not addresses to route to
    for (const auto& from : slice.endpoints()) {
      if (from.addresses_size() == 0) continue;
      const bool usable = is_ready(from.conditions()) ||
                          (is_serving(from.conditions()) && from.conditions().terminating());
      if (!usable) continue;
      const auto [it, added] =
          known.try_emplace({from.addresses(0), from.target_ref().uid()},
                            static_cast<uint32_t>(table->endpoints.size()));
      if (added) table->endpoints.push_back(read_endpoint(from));
      const Endpoint& endpoint = table->endpoints[it->second];
      for (PortTable& port : table->ports) {
        for (const auto& number : slice.ports()) {
          const std::string& protocol = number.protocol().empty() ? "TCP" : number.protocol();
          if (number.name() != port.name || protocol != port.protocol) continue;
          if (number.port() == 0) continue;  // "all ports", which no service port can mean
          if (!placed.insert({port.name + "/" + protocol, {it->second, number.port()}}).second) {
            continue;
          }
          (endpoint.ready ? port.ready : port.terminating).push_back({it->second, number.port()});
        }
      }
    }
  }
  const auto six = std::count_if(table->endpoints.begin(), table->endpoints.end(),
                                 [](const Endpoint& endpoint) { return is_ipv6(endpoint.ip); });
  table->dual_stack = six > 0 && static_cast<std::size_t>(six) < table->endpoints.size();
  return table;
}

TablePtr TableCache::get(const api::ObjectPtr& service,
                         const std::vector<api::ObjectPtr>& slices) {
  Key key{service->uid(), {service->revision()}};
  for (const api::ObjectPtr& slice : slices) key.second.push_back(slice->revision());
  // An object that was never committed has no revision that could stand for its content.
  const bool shareable = std::all_of(key.second.begin(), key.second.end(),
                                     [](api::Revision revision) { return bool{revision}; });
  if (!shareable) {
    ++built_;
    return build_table(service, slices);
  }
  std::weak_ptr<const ServiceTable>& slot = tables_[key];
  if (TablePtr table = slot.lock()) return table;
  TablePtr table = build_table(service, slices);
  ++built_;
  slot = table;
  if (tables_.size() >= sweep_at_) {
    std::erase_if(tables_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max<std::size_t>(1024, tables_.size() * 2);
  }
  return table;
}

}  // namespace keelson::proxy
