#include "sim/run/metrics.hpp"

#include <algorithm>

#include "core/api/validate/errors.hpp"
#include "sim/checks/world_ground.hpp"

namespace keelson::sim {

Duration percentile(std::vector<Duration> values, int percent) {
  if (values.empty()) return Duration::zero();
  const std::size_t rank =
      std::min(values.size() - 1, values.size() * static_cast<std::size_t>(percent) / 100);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

void Metrics::account(WorkloadMetrics& w, Instant now) const {
  const Completeness state = w.desired > 0 && !w.was_available ? Completeness::starting
                             : w.available >= w.desired        ? Completeness::complete
                             : w.available > 0                 ? Completeness::degraded
                                                               : Completeness::down;
  const auto slice = [&](Instant at) {
    const auto number = static_cast<__int128>(at.time_since_epoch().count()) *
                        static_cast<int64_t>(WorkloadMetrics::kSlices) /
                        std::max<int64_t>(planned_.count(), 1);
    return static_cast<std::size_t>(number);
  };
  for (std::size_t i = slice(w.changed); i <= slice(now) && i < w.slices.size(); ++i) {
    w.slices[i] = std::max(w.slices[i], state);
  }
  if (w.was_available && w.desired > 0) {
    const Duration passed = now - w.changed;
    w.observed += passed;
    if (w.available < w.desired) w.degraded += passed;
    if (w.available == 0) w.down += passed;
  }
  w.changed = now;
}

void Metrics::deployment(const store::StoreEvent& event, Instant now) {
  const api::Object& object = event.object ? *event.object : *event.previous;
  WorkloadMetrics& w = workloads_[object.uid()];
  if (w.name.empty()) {
    w.name = object.ns() + "/" + object.name();
    w.changed = now;
  } else {
    account(w, now);
  }
  if (!event.object) {
    w.removed = true;
    w.was_available = false;
    return;
  }
  const auto& deployment = event.object->as<api::Deployment>();
  const int32_t desired = deployment.spec().replicas();
  const int32_t available = deployment.status().available_replicas();
  // A workload that was just scaled up is not degraded: it counts once it has been complete.
  if (desired > w.desired) w.was_available = false;
  w.desired = desired;
  w.available = available;
  if (desired > 0 && available >= desired && !w.was_available) w.was_available = true;
  if (w.was_available && desired > 0) w.worst = std::min(w.worst, available);

  if (event.previous) {
    const auto& before = event.previous->as<api::Deployment>();
    if (deployment.metadata().generation() != before.metadata().generation() &&
        !api::same(deployment.spec().template_(), before.spec().template_())) {
      ++w.rollouts;
      ++rollouts_;
      w.rolling = true;
      w.rolling_since = now;
    }
  }
  const auto& status = deployment.status();
  if (w.rolling && status.observed_generation() >= deployment.metadata().generation() &&
      status.updated_replicas() == desired && status.replicas() == desired &&
      status.available_replicas() == desired) {
    w.rolling = false;
    ++w.rollouts_done;
    w.slowest_rollout = std::max(w.slowest_rollout, now - w.rolling_since);
    rollout_times_.push_back(now - w.rolling_since);
  }
}

void Metrics::finish(Instant now) {
  for (auto& [uid, workload] : workloads_) {
    if (!workload.removed) account(workload, now);
  }
}

void Metrics::pod(const store::StoreEvent& event, Instant now) {
  const bool bound_before =
      event.previous && !event.previous->as<api::Pod>().spec().node_name().empty();
  if (!event.object) {
    unbound_.erase(event.previous->uid());
    return;
  }
  const auto& pod = event.object->as<api::Pod>();
  if (!event.previous) {
    ++pods_created_;
    if (pod.spec().node_name().empty()) {
      unbound_[event.object->uid()] = now;
      waiting_max_ = std::max(waiting_max_, unbound_.size());
    }
    return;
  }
  if (!bound_before && !pod.spec().node_name().empty()) {
    const auto it = unbound_.find(event.object->uid());
    if (it != unbound_.end()) {
      waits_.push_back(now - it->second);
      unbound_.erase(it);
    }
  }
  const bool deleted_now = event.object->deleting() && !event.previous->deleting();
  if (deleted_now && event.provenance &&
      event.provenance->actor.find("node-lifecycle") != std::string::npos) {
    ++evictions_;
    if (world_ != nullptr) {
      const Node* node = world_->node(pod.spec().node_name());
      if (node != nullptr && node->powered()) {
        ++false_evictions_;
        cut_off_evictions_ += WorldGround(*world_).unreachable(node->name());
      }
    }
  }
}

void Metrics::on_commits(std::span<const store::StoreEvent> events, Instant now) {
  for (const store::StoreEvent& event : events) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::deployments) deployment(event, now);
    if (object.kind() == api::Kind::replica_sets) crash_heals_.on_replica_set(event);
    if (object.kind() == api::Kind::pods) {
      pod(event, now);
      crash_heals_.on_pod(event, now);
    }
  }
}

}  // namespace keelson::sim
