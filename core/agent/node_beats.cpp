// The heartbeats of a NodeStatus: they renew the node's Lease and carry what it has witnessed.
#include <algorithm>

#include "core/agent/node_status.hpp"

namespace keelson::agent {

namespace {
constexpr std::string_view kLeaseNamespace = "kube-node-lease";
}  // namespace

void NodeStatus::schedule_beat() {
  const Duration period = context_.options.heartbeat_period;
  // Thousands of nodes start together; the jitter lets their beats drift apart.
  beat_timer_.arm(rng_.between(period - period / 25, period));
}

// Every period, whether the last one was answered or not: waiting for a lost answer would silence a
// node that is well.
void NodeStatus::beat() {
  schedule_beat();
  api::Request request;
  request.verb = api::Verb::renew;
  request.kind = api::Kind::leases;
  request.ns = std::string(kLeaseNamespace);
  request.name = context_.options.node_name;
  request.user = context_.options.user;
  request.actor = context_.options.actor;
  request.beat = {.node = context_.options.node_name,
                  .seq = ++sequence_,
                  .renew_time = context_.loop.wall_now(),
                  .reports = reports_};
  context_.api.call(std::move(request),
                    lifetime_.guard([this, sent = reports_.size()](api::Response response) {
                      on_beat(response, sent);
                    }));
}

void NodeStatus::on_beat(const api::Response& response, std::size_t reports) {
  if (response.ok()) {
    // What was queued since stays. A report that the cap has dropped meanwhile does no harm.
    reports_.erase(reports_.begin(), reports_.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min(reports, reports_.size())));
    return;
  }
  // The Node is gone, or it is so new that it was not known yet: soon this tells which.
  if (response.error.reason == api::Reason::not_found && !busy_) read_back();
  beat_timer_.arm_by(std::min<Duration>(context_.options.heartbeat_period / 2, 2s));
}

}  // namespace keelson::agent
