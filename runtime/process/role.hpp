// A role that one process of a cluster has at a time: elected, worked in, given up.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/client/leader_elector.hpp"

namespace keelson::runtime {

class RoleWork {
 public:
  virtual ~RoleWork() = default;
  virtual void start(api::Fence fence, std::function<bool()> leading) = 0;
  virtual void stop() = 0;
  // Lines for /metrics.
  virtual std::string metrics() const { return {}; }
};

class Role {
 public:
  using MakeWork = std::function<std::unique_ptr<RoleWork>(Rng rng)>;

  // `name` is the role, "controller-manager"; `identity`, PROCESS_LIFE, differs between all
  // processes and lives of a process; a life takes the role of an earlier one without waiting.
  Role(Loop& loop, client::ApiClient& client, Rng rng, Log& log, const std::string& name,
       const std::string& user, const std::string& identity, MakeWork make_work);

  void start() { elector_->start(); }
  // Stops the work, and lets another take the role at once.
  void release();
  bool leading() const { return elector_->leading(); }
  // Of its work; empty while another process has the role.
  std::string metrics() const { return work_ ? work_->metrics() : std::string(); }

 private:
  std::unique_ptr<RoleWork> work_;
  std::unique_ptr<client::LeaderElector> elector_;
};

}  // namespace keelson::runtime
