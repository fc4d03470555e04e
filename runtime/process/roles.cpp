#include "runtime/process/roles.hpp"

#include "core/controllers/certificate_approving.hpp"
#include "core/controllers/certificate_cleaner.hpp"
#include "core/controllers/certificate_signing.hpp"
#include "core/controllers/cluster_role_aggregation.hpp"
#include "core/controllers/manager.hpp"
#include "core/controllers/network.hpp"
#include "core/controllers/node_lifecycle.hpp"
#include "core/controllers/root_ca.hpp"
#include "core/controllers/token_cleaner.hpp"
#include "core/controllers/workload.hpp"
#include "core/scheduler/config/apply.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/scheduler.hpp"
#include "runtime/pki/judge.hpp"
#include "runtime/pki/signer.hpp"
#include "runtime/process/peer_prober.hpp"
#include "runtime/process/role_metrics.hpp"

namespace keelson::runtime {

namespace {

std::optional<int64_t> end_of_certificate(const std::string& pem) {
  const auto info = read_certificate(pem);
  return info ? std::optional(info->ends) : std::nullopt;
}

class ControllerWork final : public RoleWork {
 public:
  ControllerWork(AsioLoop& loop, client::ApiClient& client, Rng rng, Log& log,
                 const ControllerSetting& setting)
      : signer_(setting.authority),
        judge_(setting.authorizer),
        manager_(loop, client, rng.fork("manager"), log,
                 {.actor = actor(setting)}),
        prober_(loop, client, "system:kube-controller-manager"),
        node_lifecycle_(loop, client, rng.fork("node-lifecycle"), log,
                        {.timing = setting.timing,
                         .actor = actor(setting) + "/node-lifecycle",
                         .prober = &prober_}) {
    for (auto& controller : controllers::make_workload_controllers()) {
      manager_.add(std::move(controller));
    }
    for (auto& controller : controllers::make_network_controllers()) {
      manager_.add(std::move(controller));
    }
    manager_.add(
        std::make_unique<controllers::RootCaController>(setting.authority.pair().certificate));
    manager_.add(std::make_unique<controllers::CertificateApprovingController>(judge_));
    manager_.add(std::make_unique<controllers::CertificateSigningController>(signer_));
    manager_.add(std::make_unique<controllers::CertificateCleanerController>(&end_of_certificate));
    manager_.add(std::make_unique<controllers::ClusterRoleAggregationController>());
    manager_.add(std::make_unique<controllers::TokenCleanerController>());
    manager_.add(std::make_unique<controllers::NodeIpamController>(setting.pod_network));
  }
  void start(api::Fence fence, std::function<bool()> leading) override {
    manager_.start(fence, leading);
    node_lifecycle_.start(fence, leading);
  }
  void stop() override {
    manager_.stop();
    node_lifecycle_.stop();
  }
  std::string metrics() const override { return controller_metrics(manager_.metrics()); }

 private:
  // As in the simulator: the checkers tell by it who wrote.
  static std::string actor(const ControllerSetting& setting) {
    return "controller-manager-" + setting.identity;
  }

  ClusterSigner signer_;
  NodeCertificateJudge judge_;
  controllers::Manager manager_;
  TcpPeerProber prober_;
  controllers::NodeLifecycle node_lifecycle_;
};

class SchedulerWork final : public RoleWork {
 public:
  SchedulerWork(AsioLoop& loop, client::ApiClient& client, Rng rng, Log& log,
                const SchedulerSetting& setting)
      : extenders_(setting.extenders), scheduler_(loop, client, rng, log, options(setting)) {}
  void start(api::Fence fence, std::function<bool()> leading) override {
    scheduler_.start(fence, std::move(leading));
  }
  void stop() override { scheduler_.stop(); }
  std::string metrics() const override { return scheduler_metrics(scheduler_.stats()); }

 private:
  static scheduler::SchedulerOptions options(const SchedulerSetting& setting) {
    scheduler::SchedulerOptions options;
    options.actor = "scheduler-" + setting.identity;
    if (setting.config) {
      scheduler::apply(*setting.config, scheduler::default_plugins(), setting.extenders.get(),
                       options);
    }
    return options;
  }
  std::shared_ptr<HttpExtenders> extenders_;  // the scheduler's
  scheduler::Scheduler scheduler_;
};

}  // namespace

std::unique_ptr<RoleWork> controller_work(AsioLoop& loop, client::ApiClient& client, Rng rng, Log& log,
                                          const ControllerSetting& setting) {
  return std::make_unique<ControllerWork>(loop, client, rng, log, setting);
}

std::unique_ptr<RoleWork> scheduler_work(AsioLoop& loop, client::ApiClient& client, Rng rng,
                                         Log& log, const SchedulerSetting& setting) {
  return std::make_unique<SchedulerWork>(loop, client, rng, log, setting);
}

}  // namespace keelson::runtime
