// The simulated world: hosts with processes on them, wired as a real cluster's are. Only the ports are
// simulated; API servers, controllers, schedulers and one agent per node are the real ones. The world
// advances nothing by itself and knows no scenario: it offers what a scenario does to it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/rng.hpp"
#include "core/client/view.hpp"
#include "core/controllers/timing.hpp"
#include "sim/engine/engine.hpp"
#include "sim/engine/process.hpp"
#include "sim/world/api_link.hpp"
#include "sim/world/network.hpp"
#include "sim/world/node.hpp"
#include "sim/world/runtime.hpp"
#include "sim/world/store_host.hpp"

namespace keelson::apiserver {
struct ApiServerOptions;
}
namespace keelson::controllers {
class CertificateSigner;
}
namespace keelson::scheduler {
class Scheduler;
struct SchedulerOptions;
}

namespace keelson::sim {

// Nodes of one shape.
struct NodePool {
  std::string prefix = "node-";
  bool exact_name = false;  // one node, called as the prefix says
  uint32_t count = 0;
  std::vector<std::string> zones;               // nodes take them in turn; empty: no zone label
  std::map<std::string, std::string> capacity;  // "cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "8"
  std::map<std::string, std::string> labels;
  std::vector<api::Taint> taints;
  int max_pods = 110;
};

// What differs from the profile's node health; empty: nothing.
struct NodeHealthOptions {
  std::optional<bool> witnesses;
  std::optional<Duration> grace;
  std::optional<int64_t> toleration_seconds;
};

struct WorldOptions {
  uint64_t seed = 1;
  std::vector<NodePool> pools;
  uint32_t api_servers = 1;
  uint32_t controller_managers = 2;
  uint32_t schedulers = 2;
  bool kubernetes_profile = false;  // timers as Kubernetes' defaults; else Keelson's
  NetworkOptions network;
  StoreHostOptions store;
  RuntimeModel runtime;
  // This many nodes, the first of each pool in turn, run a service proxy; clients send from them.
  uint32_t proxies = UINT32_MAX;
  // Events about normal progress (Pulled, Started, Scheduled...) are written too. Big runs do without.
  bool record_normal_events = true;
  // Nodes renew their heartbeat this often; all timers of node health scale with it. Zero: the
  // profile's own. For traces in which time is compressed.
  Duration heartbeat{};
  NodeHealthOptions node_health;
  // What processes log from this level on stands in the timeline.
  Level log_level = Level::warning;
  // Where Services get their addresses, like 10.96.0.0/16. Empty: the API server's own default.
  std::string service_network;
  int service_prefix = 0;
  // Changes what API servers are made with; may be empty.
  std::function<void(apiserver::ApiServerOptions&)> api_server_options;
  // The same of schedulers, each time that one begins to lead.
  std::function<void(scheduler::SchedulerOptions&)> scheduler_options;
  // The certificates by which pods recognise the API server; empty: nobody keeps them.
  std::string root_ca;
  // Of a cluster with access control: its controllers for certificates and roles work, too. Null: there
  // is none. Must outlive the world.
  const controllers::CertificateSigner* signer = nullptr;
  // The date at the start. Live sessions begin today.
  WallTime epoch{kSimulatedEpochNs};
};

// Something that happened, for people: one line of the timeline.
struct Note {
  Instant at;
  Level level = Level::info;
  std::string source;  // a process, or "fault", "user", "check"
  std::string text;
};

// Hears of what happens to processes and nodes: the checks.
class WorldObserver {
 public:
  virtual void node_powered(const std::string& node, bool on) { (void)node, (void)on; }
  virtual void process_killed(const std::string& process) { (void)process; }
  virtual void process_paused(const std::string& process, bool paused) { (void)process, (void)paused; }
  virtual void leader_changed(const std::string& role, const std::string& process, uint64_t token,
                              bool elected) {
    (void)role, (void)process, (void)token, (void)elected;
  }

 protected:
  ~WorldObserver() = default;
};

class ApiServerProcess;

struct Observers {
  WorldObserver* world = nullptr;
  ClientObserver* clients = nullptr;
  GroundTruthObserver* truth = nullptr;
  std::function<void(std::span<const store::StoreEvent>)> commits;
  std::function<void(const store::Transaction&, const Result<store::Committed>&)> transactions;
  std::function<void(const api::Beat&)> beats;  // as the store accepts them
  // A node loses power; after the other observer has heard of it.
  std::function<void(const std::string& node)> power_losses;
  // An API server has been made in its process, and is about to be destroyed with it: for what lives
  // beside it.
  std::function<void(ApiServerProcess&)> api_server_began, api_server_ends;
  // Takes what would be kept as notes(): for runs without an end.
  std::function<void(const Note&)> notes;
};

class ControlPlane;
class RoleProcess;

class World final {
 public:
  World(WorldOptions options, Observers observers);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Powers everything on; nothing has happened before the engine runs.
  void start();

  Engine& engine() { return engine_; }
  const Engine& engine() const { return engine_; }
  uint64_t engine_digest() const { return engine_.digest().value(); }
  Network& network() { return network_; }
  const Network& network() const { return network_; }
  ApiFabric& fabric() { return fabric_; }
  const ApiFabric& fabric() const { return fabric_; }
  RuntimeModel& runtime_model() { return options_.runtime; }
  StoreHost& store() { return *store_; }
  const StoreHost& store() const { return *store_; }
  const WorldOptions& options() const { return options_; }
  const Observers& observers() const { return observers_; }
  Instant now() const { return engine_.now(); }
  // A stream of random numbers for the named part of the world.
  Rng rng(std::string_view name) const { return Rng(options_.seed).fork(name); }

  // --- Nodes --------------------------------------------------------------------------------------
  std::vector<std::unique_ptr<Node>>& nodes() { return nodes_; }
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  Node* node(std::string_view name) const;
  // Who holds a pod address now; nullptr: nobody. Ground truth, not API.
  const Node* node_of_ip(const std::string& ip) const;

  // --- Control plane ------------------------------------------------------------------------------
  std::size_t api_server_count() const { return options_.api_servers; }
  // Roles are "controller-manager" and "scheduler". The process that leads now, or nullptr.
  Process* leader(std::string_view role);
  // Every process of the control plane by name: "api-0", "controller-manager-1", "scheduler-0".
  Process* process(std::string_view name);
  // REQUIRES: number < api_server_count().
  ApiServerProcess& api_server(std::size_t number);
  std::vector<std::string> process_names() const;
  // The schedulers that are at work; one that is paused believes that it is.
  void each_scheduler(
      const std::function<void(const std::string& owner, const scheduler::Scheduler&)>& visit) const;
  // The caches that leading controller managers decide on.
  void each_controller_cache(
      const std::function<void(const std::string& owner, const client::Cache&)>& visit) const;

  // --- What may happen to processes ---------------------------------------------------------------
  // All REQUIRE a process of the control plane. What has happened already does not happen again.
  // A supervisor restarts it after `restart_after`; negative: only restart() does.
  void kill(std::string_view process, Duration restart_after = Duration{-1});
  void restart(std::string_view process);
  void pause(std::string_view process);
  void resume(std::string_view process);
  // The API server sees the store's history this late.
  void set_store_lag(std::string_view api_server, Duration lag);

  // --- A user's hands -----------------------------------------------------------------------------
  // Calls as an administrator from outside the cluster. Answers arrive as simulated time passes.
  client::ApiClient& admin() { return *admin_link_; }
  Process& admin_process() { return *admin_process_; }
  HostId admin_host() const { return admin_host_; }
  // The timers of node health in this world.
  controllers::NodeTiming node_timing() const;
  // Hosts of a kind, for cuts.
  HostId store_host() const;
  std::vector<HostId> api_hosts() const;
  std::vector<HostId> control_hosts() const;

  void note(Level level, std::string source, std::string text);
  const std::vector<Note>& notes() const { return notes_; }
  uint64_t error_logs() const { return error_logs_; }

 private:
  friend class Node;
  friend class ControlPlane;
  friend class ApiServerProcess;
  friend class RoleProcess;

  template <class Act>
  void on_process(std::string_view name, Act&& act);

  WorldOptions options_;
  Observers observers_;
  Engine engine_;
  Network network_;
  ApiFabric fabric_;
  HostId next_host_ = 1;
  uint32_t next_process_ = 1;
  std::unique_ptr<StoreHost> store_;
  std::unique_ptr<ControlPlane> control_;
  std::shared_ptr<proxy::TableCache> service_tables_;  // what equal rules of many nodes share
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::string, Node*, std::less<>> nodes_by_name_;
  std::unique_ptr<Process> admin_process_;
  HostId admin_host_ = 0;
  std::unique_ptr<ApiLink> admin_link_;
  std::vector<Note> notes_;
  uint64_t error_logs_ = 0;
};

// The logging port of a simulated process: warnings and errors go to the timeline.
class ProcessLog final : public Log {
 public:
  ProcessLog(World& world, std::string process) : world_(world), process_(std::move(process)) {}
  bool enabled(Level level) const override { return level >= world_.options().log_level; }
  void write(Level level, std::string_view event, std::span<const LogField> fields) override;

 private:
  World& world_;
  std::string process_;
};

}  // namespace keelson::sim
