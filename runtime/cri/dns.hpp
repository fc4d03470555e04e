// What a pod's resolv.conf says. Pure. Source: kubelet's dns.Configurer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/api/types.hpp"

namespace keelson::cri {

struct DnsConfig {
  std::vector<std::string> servers, searches, options;
  friend bool operator==(const DnsConfig&, const DnsConfig&) = default;
};

// The text of a resolv.conf; lines that it does not know are passed over.
DnsConfig parse_resolv_conf(std::string_view text);

struct ClusterDns {
  std::string server;  // empty: there is none
  std::string domain;
};

// By dnsPolicy, with dnsConfig's additions. `host`: the node's own.
DnsConfig dns_of(const api::Pod& pod, const ClusterDns& cluster, const DnsConfig& host);

}  // namespace keelson::cri
