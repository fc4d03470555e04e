#include "runtime/process/role.hpp"

#include <utility>

namespace keelson::runtime {

Role::Role(Loop& loop, client::ApiClient& client, Rng rng, Log& log, const std::string& name,
           const std::string& user, const std::string& identity, MakeWork make_work) {
  client::LeaderElectionOptions options;
  options.role = name;
  options.identity = identity;
  options.process = identity.substr(0, identity.rfind('_'));
  options.user = user;
  options.actor = identity + "/" + name;
  elector_ = std::make_unique<client::LeaderElector>(
      loop, client, rng.fork("elector"), options,
      [this, &log, name, rng, make = std::move(make_work)](api::Fence fence) {
        log.info("role won", {{"role", name}, {"token", fence.token}});
        work_ = make(rng.fork(fence.token));
        work_->start(std::move(fence), [this] { return elector_->leading(); });
      },
      [this, &log, name] {
        log.warning("role lost", {{"role", name}});
        if (const auto work = std::exchange(work_, nullptr)) work->stop();
      });
}

void Role::release() {
  if (const auto work = std::exchange(work_, nullptr)) work->stop();
  elector_->release();
}

}  // namespace keelson::runtime
