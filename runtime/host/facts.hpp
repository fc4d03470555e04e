// What this host is: how much it has, and what a Node says about it.
//
//   Result<host::Facts> facts = host::read_facts({.disk = config.state_dir, .reserved = config.reserved});
//   if (facts) host::fill(options, *facts);     // AgentOptions
#pragma once

#include <map>
#include <string>

#include "core/agent/agent.hpp"
#include "core/base/result.hpp"

namespace keelson::host {

struct FactsOptions {
  std::string disk = "/var/lib/keelson";  // where pods' volumes are: its file system is what pods share
  // Kept from pods for the system and for Keelson, by resource: {"cpu": "500m", "memory": "1Gi"}.
  std::map<std::string, std::string> reserved;
  int max_pods = 110;
  // Below these pods are evicted, so they are not handed out either.
  agent::EvictionThresholds eviction;
  std::string runtime_version;  // "containerd://1.6.20"; empty: "containerd://unknown"
  std::string version = "v1.33.0+keelson";
  std::string root;  // stands before /proc, /sys and /etc: for tests
};

struct Facts {
  std::map<std::string, std::string> capacity, allocatable;  // resource -> quantity
  api::NodeSystemInfo info;
  std::string hostname;
};

// Code::invalid: a reserved amount is no quantity, or leaves nothing; unavailable: the host does not
// say how much memory it has. Identities that a host does not have are replaced by its machine-id,
// or by its name. Reads files; returns at once.
Result<Facts> read_facts(const FactsOptions& options);

// Puts capacity, allocatable and nodeInfo in, and the host's name if there is none.
void fill(agent::AgentOptions& options, const Facts& facts);

// The address from which this host speaks with `peer`: its InternalIP where nobody has said one. `peer` is
// an address, not a name. Code::unavailable: there is no way there. Nothing is sent.
Result<std::string> address_towards(const std::string& peer);

}  // namespace keelson::host
