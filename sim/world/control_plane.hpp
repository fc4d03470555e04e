// The control plane's processes: API servers, controller managers and schedulers, each on one of the
// control hosts, built from the real components and rebuilt when they are restarted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/client/leader_elector.hpp"
#include "core/client/view.hpp"
#include "sim/world/world.hpp"

namespace keelson::scheduler {
class Scheduler;
}

namespace keelson::sim {

// An API server process.
class ApiServerProcess {
 public:
  ApiServerProcess(World& world, std::string name, HostId host);
  ~ApiServerProcess();
  void start();
  void kill();
  Process& process() { return process_; }
  HostId host() const { return host_; }
  ApiEndpoint& endpoint() { return endpoint_; }
  StoreLink& store_link() { return store_link_; }
  apiserver::ApiServer* server() { return server_.get(); }
  Log& log() { return log_; }

 private:
  World& world_;
  HostId host_;
  Process process_;
  StoreLink store_link_;
  ApiEndpoint endpoint_;
  ProcessLog log_;
  std::unique_ptr<apiserver::ApiServer> server_;
};

// What does the work of a role while its process leads.
class RoleWork {
 public:
  virtual ~RoleWork() = default;
  virtual void start(api::Fence fence, std::function<bool()> leading) = 0;
  virtual void stop() = 0;
  // The cache that it decides on, if it has one to show.
  virtual const client::Cache* cache() const { return nullptr; }
  virtual const scheduler::Scheduler* scheduler() const { return nullptr; }
};

// A process that competes for a role and does its work while it leads.
class RoleProcess {
 public:
  using MakeWork = std::function<std::unique_ptr<RoleWork>(Process&, ApiLink&, Log&, Rng)>;
  RoleProcess(World& world, std::string name, std::string role, std::string user, HostId host,
              uint32_t api_server, MakeWork make_work);
  ~RoleProcess();
  void start();
  void kill();
  Process& process() { return process_; }
  ApiLink& link() { return link_; }
  const std::string& role() const { return role_; }
  // As the process itself believes.
  bool leading() const { return elector_ && elector_->leading(); }
  RoleWork* work() { return work_.get(); }

 private:
  World& world_;
  std::string role_, user_;
  Process process_;
  ApiLink link_;
  ProcessLog log_;
  MakeWork make_work_;
  std::unique_ptr<client::LeaderElector> elector_;
  std::unique_ptr<RoleWork> work_;
};

class ControlPlane {
 public:
  explicit ControlPlane(World& world);
  void start();

  std::vector<std::unique_ptr<ApiServerProcess>> api_servers;
  std::vector<std::unique_ptr<RoleProcess>> role_processes;
  std::vector<HostId> hosts;
};

}  // namespace keelson::sim
