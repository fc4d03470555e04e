#include "sim/world/control_plane.hpp"

#include "core/apiserver/api_server.hpp"
#include "core/controllers/certificate_signing.hpp"
#include "core/controllers/cluster_role_aggregation.hpp"
#include "core/controllers/manager.hpp"
#include "core/controllers/network.hpp"
#include "core/controllers/node_lifecycle.hpp"
#include "core/controllers/root_ca.hpp"
#include "core/controllers/workload.hpp"
#include "core/scheduler/scheduler.hpp"

namespace keelson::sim {

// --- API server -------------------------------------------------------------------------------------

ApiServerProcess::ApiServerProcess(World& world, std::string name, HostId host)
    : world_(world),
      host_(host),
      process_(world.engine_, world.next_process_++, name),
      store_link_(*world.store_, process_, host),
      endpoint_(world.fabric_, process_, host),
      log_(world, name) {}

ApiServerProcess::~ApiServerProcess() {
  if (server_) kill();
}

void ApiServerProcess::start() {
  process_.start();
  apiserver::ApiServerOptions options;
  options.identity = process_.name();
  options.kubernetes_profile = world_.options_.kubernetes_profile;
  options.default_toleration_seconds = world_.node_timing().default_toleration_seconds;
  if (!world_.options_.service_network.empty()) {
    options.service_network = world_.options_.service_network;
    options.service_prefix = world_.options_.service_prefix;
  }
  if (world_.options_.api_server_options) world_.options_.api_server_options(options);
  Rng rng = world_.rng("api-server").fork(process_.name()).fork(process_.incarnation());
  server_ = std::make_unique<apiserver::ApiServer>(process_, store_link_, rng, log_, options);
  endpoint_.attach(server_.get());
  server_->start();
  if (world_.observers_.api_server_began) world_.observers_.api_server_began(*this);
}

void ApiServerProcess::kill() {
  if (world_.observers_.api_server_ends) world_.observers_.api_server_ends(*this);
  endpoint_.detach();
  process_.kill();
  store_link_.reset();
  server_.reset();
}

// --- Roles ------------------------------------------------------------------------------------------

RoleProcess::RoleProcess(World& world, std::string name, std::string role, std::string user,
                         HostId host, uint32_t api_server, MakeWork make_work)
    : world_(world),
      role_(std::move(role)),
      user_(std::move(user)),
      process_(world.engine_, world.next_process_++, name),
      link_(world.fabric_, process_, host, api_server),
      log_(world, name),
      make_work_(std::move(make_work)) {}

RoleProcess::~RoleProcess() {
  if (process_.alive()) kill();
}

void RoleProcess::start() {
  process_.start();
  const Rng rng = world_.rng(process_.name()).fork(process_.incarnation());
  client::LeaderElectionOptions options;
  options.role = role_;
  options.identity = process_.name() + "_" + std::to_string(process_.incarnation());
  options.user = user_;
  options.actor = process_.name();
  elector_ = std::make_unique<client::LeaderElector>(
      process_, link_, rng.fork("elector"), options,
      [this, rng](api::Fence fence) {
        world_.note(Level::info, process_.name(), "leads as " + role_);
        if (world_.observers_.world != nullptr) {
          world_.observers_.world->leader_changed(role_, process_.name(), fence.token, true);
        }
        work_ = make_work_(process_, link_, log_, rng.fork(fence.token));
        work_->start(fence, [this] { return elector_->leading(); });
      },
      [this] {
        world_.note(Level::warning, process_.name(), "does not lead any more");
        if (world_.observers_.world != nullptr) {
          world_.observers_.world->leader_changed(role_, process_.name(), 0, false);
        }
        if (work_) work_->stop();
        work_.reset();
      });
  elector_->start();
}

void RoleProcess::kill() {
  process_.kill();
  work_.reset();
  elector_.reset();
  link_.reset();
}

namespace {

class ControllerWork final : public RoleWork {
 public:
  ControllerWork(Process& process, ApiLink& link, Log& log, Rng rng,
                 const controllers::NodeTiming& timing, bool warnings_only,
                 const std::string& root_ca, const controllers::CertificateSigner* signer)
      : manager_(process, link, rng.fork("manager"), log, manager_options(process, warnings_only)),
        node_lifecycle_(process, link, rng.fork("node-lifecycle"), log,
                        lifecycle_options(process, timing, warnings_only)) {
    for (auto& controller : controllers::make_workload_controllers()) {
      manager_.add(std::move(controller));
    }
    for (auto& controller : controllers::make_network_controllers()) {
      manager_.add(std::move(controller));
    }
    if (!root_ca.empty()) {
      manager_.add(std::make_unique<controllers::RootCaController>(root_ca));
    }
    if (signer == nullptr) return;
    manager_.add(std::make_unique<controllers::CertificateSigningController>(*signer));
    manager_.add(std::make_unique<controllers::ClusterRoleAggregationController>());
  }
  void start(api::Fence fence, std::function<bool()> leading) override {
    manager_.start(fence, leading);
    node_lifecycle_.start(fence, leading);
  }
  void stop() override {
    manager_.stop();
    node_lifecycle_.stop();
  }
  const client::Cache* cache() const override { return &manager_.cache(); }

 private:
  static controllers::ManagerOptions manager_options(const Process& process,
                                                     bool warnings_only) {
    controllers::ManagerOptions options;
    options.user = "system:kube-controller-manager";
    options.actor = process.name();
    options.warnings_only = warnings_only;
    return options;
  }
  static controllers::NodeLifecycleOptions lifecycle_options(const Process& process,
                                                             const controllers::NodeTiming& timing,
                                                             bool warnings_only) {
    controllers::NodeLifecycleOptions options;
    options.timing = timing;
    options.warnings_only = warnings_only;
    options.user = "system:kube-controller-manager";
    options.actor = process.name() + "/node-lifecycle";
    return options;
  }
  controllers::Manager manager_;
  controllers::NodeLifecycle node_lifecycle_;
};

class SchedulerWork final : public RoleWork {
 public:
  SchedulerWork(Process& process, ApiLink& link, Log& log, Rng rng, const WorldOptions& world)
      : scheduler_(process, link, rng, log, options(process, world)) {}
  void start(api::Fence fence, std::function<bool()> leading) override {
    scheduler_.start(fence, std::move(leading));
  }
  void stop() override { scheduler_.stop(); }
  const scheduler::Scheduler* scheduler() const override { return &scheduler_; }

 private:
  static scheduler::SchedulerOptions options(const Process& process, const WorldOptions& world) {
    scheduler::SchedulerOptions options;
    options.user = "system:kube-scheduler";
    options.actor = process.name();
    options.warnings_only = !world.record_normal_events;
    if (world.scheduler_options) world.scheduler_options(options);
    return options;
  }
  scheduler::Scheduler scheduler_;
};

}  // namespace

// --- All of it --------------------------------------------------------------------------------------

ControlPlane::ControlPlane(World& world) {
  const WorldOptions& options = world.options_;
  const uint32_t count =
      std::max({options.api_servers, options.controller_managers, options.schedulers, 1u});
  for (uint32_t i = 0; i < count; ++i) hosts.push_back(world.next_host_++);
  for (uint32_t i = 0; i < options.api_servers; ++i) {
    api_servers.push_back(
        std::make_unique<ApiServerProcess>(world, "api-" + std::to_string(i), hosts[i]));
    world.fabric_.endpoints.push_back(&api_servers.back()->endpoint());
  }
  for (uint32_t i = 0; i < options.controller_managers; ++i) {
    role_processes.push_back(std::make_unique<RoleProcess>(
        world, "controller-manager-" + std::to_string(i), "controller-manager",
        "system:kube-controller-manager", hosts[i], i,
        [&world](Process& process, ApiLink& link, Log& log, Rng rng) -> std::unique_ptr<RoleWork> {
          return std::make_unique<ControllerWork>(process, link, log, rng,
                                                  world.node_timing(),
                                                  !world.options().record_normal_events,
                                                  world.options().root_ca,
                                                  world.options().signer);
        }));
  }
  for (uint32_t i = 0; i < options.schedulers; ++i) {
    role_processes.push_back(std::make_unique<RoleProcess>(
        world, "scheduler-" + std::to_string(i), "scheduler", "system:kube-scheduler", hosts[i], i,
        [&world](Process& process, ApiLink& link, Log& log, Rng rng) -> std::unique_ptr<RoleWork> {
          return std::make_unique<SchedulerWork>(process, link, log, rng, world.options());
        }));
  }
}

void ControlPlane::start() {
  for (auto& server : api_servers) server->start();
  for (auto& process : role_processes) process->start();
}

}  // namespace keelson::sim
