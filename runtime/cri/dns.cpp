#include "runtime/cri/dns.hpp"

#include <algorithm>

namespace keelson::cri {

namespace {

// As many as resolv.conf may name. Source: Kubernetes' MaxDNSNameservers and MaxDNSSearchPaths.
constexpr std::size_t kServersMax = 3, kSearchesMax = 32;

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t\r", at)) != line.npos) {
    const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    out.emplace_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

template <class Items>
void add_new(std::vector<std::string>& to, const Items& items) {
  for (const std::string& item : items) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

std::string_view option_name(std::string_view option) {
  return option.substr(0, option.find(':'));
}

// dnsConfig's options replace those of the same name.
void add_options(std::vector<std::string>& to, const api::PodDNSConfig& config) {
  for (const api::PodDNSConfigOption& option : config.options()) {
    std::erase_if(to, [&](const std::string& o) { return option_name(o) == option.name(); });
    to.push_back(option.value().empty() ? option.name() : option.name() + ":" + option.value());
  }
}

}  // namespace

DnsConfig parse_resolv_conf(std::string_view text) {
  DnsConfig out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string> line = words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() < 2) continue;
    const std::string key = line.front();
    line.erase(line.begin());
    if (key == "nameserver") out.servers.push_back(line.front());
    if (key == "search")
      out.searches = std::move(line);  // the last one counts
    else if (key == "options")
      out.options = std::move(line);
  }
  return out;
}

DnsConfig dns_of(const api::Pod& pod, const ClusterDns& cluster, const DnsConfig& host) {
  const api::PodSpec& spec = pod.spec();
  const std::string& policy = spec.dns_policy();
  const bool asks_cluster = policy == "ClusterFirstWithHostNet" ||
                            ((policy.empty() || policy == "ClusterFirst") && !spec.host_network());
  DnsConfig out;
  if (policy == "None") {
    // Only what dnsConfig says.
  } else if (asks_cluster && !cluster.server.empty()) {
    const std::string& domain = cluster.domain;
    out.servers = {cluster.server};
    out.searches = {pod.metadata().namespace_() + ".svc." + domain, "svc." + domain, domain};
    add_new(out.searches, host.searches);
    out.options = {"ndots:5"};
  } else {
    out = host;
  }
  add_new(out.servers, spec.dns_config().nameservers());
  add_new(out.searches, spec.dns_config().searches());
  add_options(out.options, spec.dns_config());
  if (out.servers.size() > kServersMax) out.servers.resize(kServersMax);
  if (out.searches.size() > kSearchesMax) out.searches.resize(kSearchesMax);
  return out;
}

}  // namespace keelson::cri
