// One service as a node routes it: an immutable table, computed from the Service and its
// EndpointSlices alone, so that all nodes of one process can share it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::proxy {

struct Endpoint {
  std::string ip;
  std::string node;
  std::string zone;
  std::string hostname;  // DNS name under the service, if it has one
  std::string pod;       // name, empty for endpoints that are no pods
  std::string uid;       // of the pod
  bool ready = false;
  bool serving = false;
  bool terminating = false;
};

// A place to send a connection to.
struct Target {
  uint32_t endpoint = 0;  // index into ServiceTable::endpoints
  int32_t port = 0;
};

struct PortTable {
  std::string name;
  std::string protocol;
  int32_t port = 0;
  int32_t node_port = 0;
  std::vector<Target> ready;
  // Not ready, but still serving while they end: used when nothing is ready (KEP-1669).
  std::vector<Target> terminating;
};

struct ServiceTable {
  std::string ns, name, uid;
  std::string external_name;              // the alias of a service of type ExternalName
  bool headless = false;                  // for DNS only: has endpoints, but no address of its own
  std::vector<std::string> cluster_ips;   // empty if headless or an alias
  std::vector<std::string> external_ips;  // externalIPs and those of load balancers
  std::vector<std::string> balancer_ips;  // those of external_ips that load balancers have
  // Who may use balancer_ips, as ranges; none: everybody. Judged by what enforces the rules.
  std::vector<std::string> source_ranges;
  bool local_only_inside = false;         // internalTrafficPolicy: Local
  bool local_only_outside = false;        // externalTrafficPolicy: Local
  Duration affinity{};                    // sessionAffinity ClientIP; zero: none
  std::vector<Endpoint> endpoints;        // all that serve or are ready
  bool dual_stack = false;                // of both address families
  std::vector<PortTable> ports;           // in the order of the Service

  // What it was computed from: the revision of the service, then of the slices.
  std::vector<api::Revision> sources;
};
using TablePtr = std::shared_ptr<const ServiceTable>;

inline bool is_ipv6(const std::string& ip) {
  return ip.find(':') != std::string::npos;
}

// `slices` sorted by name.
TablePtr build_table(const api::ObjectPtr& service, const std::vector<api::ObjectPtr>& slices);

// Shares tables among the nodes of one process: thousands of simulated nodes know the same
// services. Holds nothing alive by itself.
class TableCache {
 public:
  TablePtr get(const api::ObjectPtr& service, const std::vector<api::ObjectPtr>& slices);
  uint64_t built() const { return built_; }

 private:
  using Key = std::pair<std::string, std::vector<api::Revision>>;  // uid, sources
  std::map<Key, std::weak_ptr<const ServiceTable>> tables_;
  std::size_t sweep_at_ = 1024;
  uint64_t built_ = 0;
};

}  // namespace keelson::proxy
