// Leader election on a Lease object, with fencing. The lease is judged expired from the local
// monotonic time at which its last change was observed, never by comparing clocks. Winning yields a
// token (the revision of the Lease at which it changed hands); every write made in the role carries
// it and the store refuses writes with an older one, so a deposed leader cannot do harm even if it
// does not know yet. Source: client-go leaderelection, with LE-1..LE-6 of the guarantees.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/api/request.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"

namespace keelson::client {

struct LeaderElectionOptions {
  std::string role;      // name of the Lease in kube-system
  std::string identity;  // unique per process incarnation
  // If `identity` is this and "_" and something else: a lease that is held by another incarnation of the
  // same process when we first look is taken over at once. It is dead, or about to be; if not, the token
  // that it loses keeps it from doing harm, and it does not take the role back before its time. Empty: it
  // must expire like all others.
  std::string process;
  std::string user, actor;
  Duration lease_duration = 15s;
  Duration renew_deadline = 10s;
  Duration retry_period = 2s;
};

class LeaderElector {
 public:
  // `on_elected(fence)` when the role was won; `on_deposed()` as soon as it is lost or could not be
  // renewed for renew_deadline of monotonic time: stop all work in the role at once. Neither may
  // destroy the elector.
  LeaderElector(Loop& loop, ApiClient& client, Rng rng, LeaderElectionOptions options,
                std::function<void(api::Fence)> on_elected, std::function<void()> on_deposed);
  ~LeaderElector();

  void start();
  // Gives the role up, so that another can take it at once, and stops competing until start() is
  // called again. on_deposed is not called. REQUIRES: the role's work has stopped.
  void release();
  // The store refused a write of this role: its token is not current (another took over, or the
  // store failed over and lost all tokens). Deposes at once and competes for a new token.
  void on_fenced(const api::Fence& fence);

  // True only while the last successful renewal is younger than renew_deadline: ask before each
  // write in the role.
  bool leading() const;
  const api::Fence& fence() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::client
