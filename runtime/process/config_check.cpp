#include "runtime/process/config_check.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "core/base/duration_text.hpp"
#include "core/controllers/node_ipam.hpp"
#include "runtime/redis/address.hpp"

namespace keelson::runtime {

namespace {

Status wrong(const char* field, const std::string& value, const std::string& expected) {
  return {Code::invalid, std::string(field) + ": \"" + value + "\" is no " + expected};
}

bool is_address(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}

// The names of Nodes and control planes become names of objects, of files and in certificates.
bool is_name(const std::string& text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 253 && alphanumeric(text.front()) &&
         alphanumeric(text.back()) && text.find("..") == text.npos &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}
constexpr const char* kName = "name: small letters, digits, - and ., as in DNS";

Status check_network(const char* field, const std::string& cidr, int node_prefix,
                     controllers::PodNetwork* out) {
  auto network = controllers::parse_pod_network(cidr, node_prefix);
  if (!network) return {Code::invalid, std::string(field) + ": " + network.error().message};
  *out = *network;
  return {};
}

bool overlap(const controllers::PodNetwork& a, const controllers::PodNetwork& b) {
  const int prefix = std::min(a.prefix, b.prefix);
  const uint32_t mask = prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix);
  return (a.address & mask) == (b.address & mask);
}

// "gpu=yes:NoSchedule"
bool is_taint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0 || text.find('=') == 0) return false;
  const std::string effect = text.substr(colon + 1);
  return effect == "NoSchedule" || effect == "PreferNoSchedule" || effect == "NoExecute";
}

}  // namespace

Status check(const ControlPlaneConfig& config) {
  if (!is_name(config.name)) return wrong("name", config.name, kName);
  if (!is_address(config.advertise_address)) {
    return wrong("advertiseAddress", config.advertise_address, "IPv4 address");
  }
  if (!is_address(config.bind_address))
    return wrong("bindAddress", config.bind_address, "IPv4 address");
  controllers::PodNetwork pods, services;
  if (Status status = check_network("podCIDR", config.pod_cidr, config.node_cidr_prefix, &pods);
      !status) {
    return status;
  }
  // The longest block that there can be: services are not divided among nodes.
  if (Status status = check_network("serviceCIDR", config.service_cidr, 30, &services); !status)
    return status;
  if (overlap(pods, services)) {
    return {Code::invalid, "serviceCIDR: " + config.service_cidr + " overlaps podCIDR " +
                               config.pod_cidr + ": an address would be a pod's and a Service's"};
  }
  if (const auto window = parse_duration(config.history_window); !window || *window < 30s || *window > 720h) {
    return wrong("historyWindow", config.history_window, "time from 30s to 720h, such as 5m");
  }
  if (config.store != "memory") {
    if (const auto address = redis::parse_address(config.store); !address) {
      return {Code::invalid, "store: " + address.error().message};
    }
  }
  return {};
}

Status check(const NodeConfig& config) {
  if (!is_name(config.name)) return wrong("name", config.name, kName);
  if (!is_address(config.address)) return wrong("address", config.address, "IPv4 address");
  for (const std::string& server : config.servers) {
    if (!server.starts_with("https://"))
      return wrong("servers", server, "URL such as https://192.168.0.10:6443");
  }
  for (const std::string& taint : config.taints) {
    if (!is_taint(taint)) {
      return wrong("taints", taint, "KEY[=VALUE]:NoSchedule, PreferNoSchedule or NoExecute");
    }
  }
  if (!is_address(config.cluster_dns))
    return wrong("clusterDNS", config.cluster_dns, "IPv4 address");
  return {};
}

}  // namespace keelson::runtime
