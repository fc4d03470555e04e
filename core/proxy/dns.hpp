// The cluster's DNS records, answered from the service rules. Pure: a question in, records out.
// Source: the Kubernetes DNS-based service discovery specification, version 1.1.0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/proxy/service_rules.hpp"

namespace keelson::proxy {

struct DnsRecord {
  enum class Type : uint8_t { a, aaaa, srv, cname, ptr };
  std::string name;  // fully qualified, with the final dot
  Type type{};
  std::string value;  // an address, or the target's name
  uint16_t priority = 0, weight = 0, port = 0;  // srv
  uint32_t ttl = 5;  // seconds; as CoreDNS' kubernetes plugin
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

struct DnsAnswer {
  // False: NXDOMAIN. True without records: the name exists, but not with this type.
  bool exists = false;
  std::vector<DnsRecord> records;
};

class ClusterDns {
 public:
  explicit ClusterDns(ServiceRules& rules, std::string domain = "cluster.local");

  // `name` in any case, with or without the final dot.
  DnsAnswer resolve(std::string_view name, DnsRecord::Type type) const;

 private:
  DnsAnswer service(const ServiceTable& table, const std::string& name,
                    DnsRecord::Type type) const;
  DnsAnswer endpoint(const ServiceTable& table, const std::string& host, const std::string& name,
                     DnsRecord::Type type) const;
  DnsAnswer port(const ServiceTable& table, const std::string& port, const std::string& protocol,
                 const std::string& name) const;
  DnsAnswer reverse(const std::vector<std::string>& labels, const std::string& name) const;
  std::string name_of(const ServiceTable& table) const;

  ServiceRules& rules_;
  std::string domain_;
};

}  // namespace keelson::proxy
