// What a control plane does in its roles.
#pragma once

#include <memory>
#include <string>

#include "core/auth/auth.hpp"
#include "core/controllers/node_ipam.hpp"
#include "core/controllers/timing.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/pki/certificate.hpp"
#include "runtime/process/http_extenders.hpp"
#include "runtime/process/role.hpp"
#include "runtime/process/scheduler_config.hpp"

namespace keelson::runtime {

struct ControllerSetting {
  std::string identity;
  controllers::NodeTiming timing;
  controllers::PodNetwork pod_network;
  CertificateAuthority authority;
  const auth::Authorizer& authorizer;  // says whose certificate requests are approved
};

// All controllers and the node lifecycle.
std::unique_ptr<RoleWork> controller_work(AsioLoop& loop, client::ApiClient& client, Rng rng, Log& log,
                                          const ControllerSetting& setting);

struct SchedulerSetting {
  std::string identity;
  SchedulerConfigPtr config;  // null: the default
  std::shared_ptr<HttpExtenders> extenders;  // of the configuration
};
std::unique_ptr<RoleWork> scheduler_work(AsioLoop& loop, client::ApiClient& client, Rng rng,
                                         Log& log, const SchedulerSetting& setting);

}  // namespace keelson::runtime
