// A simulated node: a host with power, a container runtime, and the real node agent and service proxy
// in a process of their own.
#pragma once

#include <memory>
#include <string>

#include "core/client/witness.hpp"
#include "sim/world/api_link.hpp"
#include "sim/world/runtime.hpp"

namespace keelson::agent {
class Agent;
}
namespace keelson::proxy {
class Proxier;
class ServiceRules;
class TableCache;
}  // namespace keelson::proxy

namespace keelson::sim {

class World;
class ProcessLog;
struct NodePool;

class Node final : private client::PeerProber {
 public:
  Node(World& world, std::string name, uint32_t number, HostId host, const NodePool& pool,
       std::string zone, bool with_proxy);
  ~Node();

  const std::string& name() const { return name_; }
  const std::string& zone() const { return zone_; }
  HostId host() const { return host_; }
  std::string address() const;
  bool powered() const { return power_.alive(); }
  bool agent_running() const { return agent_ != nullptr; }
  Process& agent_process() { return process_; }
  SimRuntime& runtime() { return *runtime_; }
  const SimRuntime& runtime() const { return *runtime_; }
  // The rules in the node's kernel, which survive the agent's death. Null: there are none (yet).
  proxy::ServiceRules* rules();
  bool with_proxy() const { return with_proxy_; }

  void power_on();
  // Everything on the node stops at once; nobody is told.
  void power_off();
  void start_agent();
  // The agent's process dies; containers run on.
  void kill_agent();

 private:
  void probe(const std::string& node, Callback<void(bool reachable)> done) override;

  World& world_;
  std::string name_;
  std::string zone_;
  uint32_t number_;
  HostId host_;
  const NodePool& pool_;
  Process power_;    // the kernel: lives while there is power
  Process process_;  // the agent
  ApiLink link_;
  std::unique_ptr<SimRuntime> runtime_;
  std::unique_ptr<ProcessLog> log_;
  bool with_proxy_;
  std::unique_ptr<agent::Agent> agent_;
  std::unique_ptr<proxy::Proxier> proxier_;
  // What an earlier agent left in the kernel: valid until the new one's rules are complete.
  std::unique_ptr<proxy::Proxier> left_behind_;
  api::Revision last_seen_;  // on the node's disk
  uint32_t boots_ = 0;
};

}  // namespace keelson::sim
