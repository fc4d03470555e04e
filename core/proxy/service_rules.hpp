// The service rules of one node: which backend a connection to a service address goes to.
// Independent of how the rules are enforced: a simulated client looks them up, a real node turns
// the differences into nftables rules.
// Sources: Kubernetes pkg/proxy; KEP-1669 (terminating endpoints), KEP-2086
// (internalTrafficPolicy).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "core/proxy/service_table.hpp"

namespace keelson::proxy {

// A connection that is being opened on this node.
struct Flow {
  std::string client_ip;
  std::string ip;  // its destination; empty: this node's own address, `port` being a node port
  int32_t port = 0;
  std::string protocol = "TCP";
  // It comes from outside the cluster. Pods and nodes that use an external address are let through
  // to all endpoints, also where externalTrafficPolicy is Local.
  bool from_outside = false;
};

struct Route {
  enum class Outcome : uint8_t {
    no_service,    // the destination is no service address
    no_endpoints,  // refused: nothing to send it to
    no_local,      // dropped: a Local policy holds and no endpoint is on this node
    routed,
  };
  Outcome outcome = Outcome::no_service;
  TablePtr table;  // keeps `endpoint` alive
  const Endpoint* endpoint = nullptr;
  int32_t port = 0;
  bool hairpin = false;  // the client is its own backend: the source address must be rewritten
  bool sticky = false;   // chosen by session affinity
};

// One line of a rule set: connections to the front go to the backend.
struct Rule {
  std::string front;    // "10.96.0.1:80/TCP", "[fd00::1]:80/TCP", or ":30080/TCP" for a node port
  std::string backend;  // "10.0.1.7:8080"
  friend auto operator<=>(const Rule&, const Rule&) = default;
};

// A service's table was replaced. `before` or `after` may be null.
struct RuleChange {
  TablePtr before, after;
  // The difference as rules, computed when asked for.
  std::vector<Rule> added() const;
  std::vector<Rule> removed() const;
};
std::vector<Rule> rules_of(const ServiceTable& table);  // sorted

class ServiceRules {
 public:
  // `cache` may be shared by many; null: one of its own.
  explicit ServiceRules(std::string node, std::shared_ptr<TableCache> cache = nullptr);
  ServiceRules(const ServiceRules&) = delete;
  ServiceRules& operator=(const ServiceRules&) = delete;

  // Feeds; either argument may be null. The order between services and slices does not matter.
  void on_service(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void on_slice(const api::ObjectPtr& before, const api::ObjectPtr& after);
  // Called for each change of a table, from sync().
  void on_change(std::function<void(const RuleChange&)> listener);
  // Applies what was fed since. Lookups do it by themselves.
  void sync();

  Route route(const Flow& flow, Instant now, Rng& rng);

  TablePtr find(const std::string& ns, const std::string& name);
  // The service that has this cluster IP; for reverse DNS.
  TablePtr find_address(const std::string& ip);
  // A headless service with a ready endpoint of this address; likewise.
  TablePtr find_endpoint(const std::string& ip);
  std::size_t services() const { return entries_.size(); }
  std::size_t sessions() const { return sessions_.size(); }
  const std::string& node() const { return node_; }

 private:
  using Key = std::pair<std::string, std::string>;  // namespace, name
  struct Entry {
    api::ObjectPtr service;
    std::vector<api::ObjectPtr> slices;  // sorted by name
    TablePtr table;
  };
  // Where an address leads. Found by a 64-bit hash and then compared in full: a collision, one in a
  // billion clusters, would hide one address but never misroute.
  struct Front {
    Entry* entry = nullptr;
    uint16_t port = 0;  // index into the table's ports
    bool external = false;
  };
  struct Session {
    uint64_t backend = 0;
    Instant last;
  };
  struct Identity {
    std::size_t operator()(uint64_t value) const { return value; }
  };

  static uint64_t front_key(const std::string& ip, int32_t port, const std::string& protocol);
  void add_fronts(const Key& key, Entry& entry);
  void remove_fronts(const Entry& entry);
  // Which targets a connection may go to.
  struct Limits {
    bool local_only = false;
    // A connection stays in its address family. Told by its destination; at a node port, whose
    // address is the node's own, by the client's.
    bool ipv6 = false;
  };
  const Target* pick(const ServiceTable& table, const std::vector<Target>& targets, Limits limits,
                     uint64_t sticky, Rng& rng) const;
  uint64_t session_backend(uint64_t key, Duration timeout, Instant now) const;
  void remember(uint64_t key, uint64_t backend, Duration timeout, Instant now);

  std::string node_;
  std::shared_ptr<TableCache> cache_;
  std::function<void(const RuleChange&)> listener_;
  std::map<Key, Entry> entries_;
  std::set<Key> dirty_;
  std::set<Key> shadowed_;  // claim an address that another service has
  boost::unordered_flat_map<uint64_t, Front, Identity> fronts_;      // for lookup only
  boost::unordered_flat_map<uint64_t, Session, Identity> sessions_;  // for lookup only
};

}  // namespace keelson::proxy
