#include "core/proxy/dns.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace keelson::proxy {
namespace {

using Type = DnsRecord::Type;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::vector<std::string> split(std::string_view name) {
  std::vector<std::string> labels;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    labels.emplace_back(name.substr(at, dot - at));
    at = dot + 1;
  }
  return labels;
}

// How an endpoint without a hostname of its own is called: its address with dashes.
std::string host_of(const Endpoint& endpoint) {
  if (!endpoint.hostname.empty()) return lower(endpoint.hostname);
  std::string host = endpoint.ip;
  std::replace(host.begin(), host.end(), '.', '-');
  std::replace(host.begin(), host.end(), ':', '-');
  return host;
}

void add_address(DnsAnswer& answer, const std::string& name, const std::string& ip, Type type) {
  if (type != (is_ipv6(ip) ? Type::aaaa : Type::a)) return;
  DnsRecord record;
  record.name = name;
  record.type = type;
  record.value = ip;
  if (std::find(answer.records.begin(), answer.records.end(), record) == answer.records.end()) {
    answer.records.push_back(std::move(record));
  }
}

}  // namespace

ClusterDns::ClusterDns(ServiceRules& rules, std::string domain)
    : rules_(rules), domain_(lower(domain)) {}

std::string ClusterDns::name_of(const ServiceTable& table) const {
  return table.name + "." + table.ns + ".svc." + domain_ + ".";
}

DnsAnswer ClusterDns::resolve(std::string_view asked, Type type) const {
  std::string name = lower(asked);
  if (!name.empty() && name.back() == '.') name.pop_back();
  const std::string suffix = ".svc." + domain_;
  const std::string qualified = name + ".";
  if (!name.ends_with(suffix)) {
    const std::string_view arpa = ".in-addr.arpa";
    if (type == Type::ptr && name.ends_with(arpa)) {
      return reverse(split(name.substr(0, name.size() - arpa.size())), qualified);
    }
    return {};
  }
  const std::vector<std::string> labels = split(name.substr(0, name.size() - suffix.size()));
  if (labels.size() < 2) return {};
  const TablePtr table = rules_.find(labels.back(), labels[labels.size() - 2]);
  if (!table) return {};
  if (labels.size() == 2) return service(*table, qualified, type);
  if (labels.size() == 3) return endpoint(*table, labels[0], qualified, type);
  const bool is_port =
      labels.size() == 4 && labels[0].starts_with('_') && labels[1].starts_with('_');
  if (!is_port) return {};
  DnsAnswer answer = port(*table, labels[0].substr(1), labels[1].substr(1), qualified);
  if (type != Type::srv) answer.records.clear();
  return answer;
}

DnsAnswer ClusterDns::service(const ServiceTable& table, const std::string& name,
                              Type type) const {
  DnsAnswer answer{true, {}};
  if (!table.external_name.empty()) {
    DnsRecord alias;
    alias.name = name;
    alias.type = Type::cname;
    alias.value = table.external_name + (table.external_name.ends_with('.') ? "" : ".");
    answer.records.push_back(std::move(alias));
    return answer;
  }
  for (const std::string& ip : table.cluster_ips) add_address(answer, name, ip, type);
  if (table.headless) {
    for (const Endpoint& endpoint : table.endpoints) {
      if (endpoint.ready) add_address(answer, name, endpoint.ip, type);
    }
  }
  return answer;
}

DnsAnswer ClusterDns::endpoint(const ServiceTable& table, const std::string& host,
                               const std::string& name, Type type) const {
  DnsAnswer answer;
  if (!table.headless) return answer;
  for (const Endpoint& endpoint : table.endpoints) {
    if (!endpoint.ready || host_of(endpoint) != host) continue;
    answer.exists = true;
    add_address(answer, name, endpoint.ip, type);
  }
  return answer;
}

DnsAnswer ClusterDns::port(const ServiceTable& table, const std::string& wanted,
                           const std::string& protocol, const std::string& name) const {
  DnsAnswer answer;
  for (const PortTable& port : table.ports) {
    if (lower(port.name) != wanted || lower(port.protocol) != protocol) continue;
    answer.exists = true;
    std::set<std::pair<std::string, int32_t>> targets;
    if (table.headless) {
      for (const Target& target : port.ready) {
        targets.emplace(host_of(table.endpoints[target.endpoint]) + "." + name_of(table),
                        target.port);
      }
    } else if (!table.cluster_ips.empty()) {
      targets.emplace(name_of(table), port.port);
    }
    for (const auto& [target, number] : targets) {
      DnsRecord record;
      record.name = name;
      record.type = Type::srv;
      record.value = target;
      // Never zero: that is "only if there is nothing else".
      record.weight = static_cast<uint16_t>(std::max<std::size_t>(100 / targets.size(), 1));
      record.port = static_cast<uint16_t>(number);
      answer.records.push_back(std::move(record));
    }
  }
  return answer;
}

DnsAnswer ClusterDns::reverse(const std::vector<std::string>& labels,
                              const std::string& name) const {
  if (labels.size() != 4) return {};
  const std::string ip = labels[3] + "." + labels[2] + "." + labels[1] + "." + labels[0];
  DnsRecord record;
  record.name = name;
  record.type = Type::ptr;
  if (const TablePtr table = rules_.find_address(ip)) {
    record.value = name_of(*table);
  } else if (const TablePtr headless = rules_.find_endpoint(ip)) {
    const auto endpoint = std::find_if(headless->endpoints.begin(), headless->endpoints.end(),
                                       [&](const Endpoint& e) { return e.ready && e.ip == ip; });
    record.value = host_of(*endpoint) + "." + name_of(*headless);
  } else {
    return {};
  }
  return {true, {std::move(record)}};
}

}  // namespace keelson::proxy
