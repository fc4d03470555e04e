#include "sim/run/crash_heals.hpp"

#include "sim/checks/check.hpp"
#include "sim/checks/rollout_rules.hpp"

namespace keelson::sim {

void CrashHeals::power_lost(const std::string& node, const StateModel& state, Instant now) {
  for (const auto& [key, object] : state.pods_on(node)) {
    const auto& pod = object->as<api::Pod>();
    const std::string& set = controlling_set(*object).uid();
    if (set.empty() || !active(pod) || pod.status().phase() != "Running") continue;
    // A replacement that is lost before it was ready: its workload waits since the first loss.
    if (fills_.contains(object->uid())) continue;
    if (losses_.try_emplace(object->uid(), Loss{now, set, true}).second) ++lost_;
  }
}

void CrashHeals::vacate(const std::string& pod, Loss loss) {
  vacancies_[loss.set].push_back(pod);
  losses_.try_emplace(pod, std::move(loss));
}

void CrashHeals::made_good(const std::string& pod, Instant now) {
  const auto it = losses_.find(pod);
  if (it == losses_.end()) return;
  if (it->second.crash) times_.push_back(now - it->second.at);
  losses_.erase(it);
}

void CrashHeals::on_pod(const store::StoreEvent& event, Instant now) {
  const api::Object& object = event.object ? *event.object : *event.previous;
  const std::string& uid = object.uid();
  if (!event.previous) {
    if (vacancies_.empty()) return;
    const auto vacant = vacancies_.find(controlling_set(object).uid());
    if (vacant == vacancies_.end()) return;
    fills_[uid] = std::move(vacant->second.front());
    vacant->second.pop_front();
    if (vacant->second.empty()) vacancies_.erase(vacant);
    return;
  }
  const bool was_active = active(event.previous->as<api::Pod>());
  const bool is_active = event.object && active(event.object->as<api::Pod>());
  if (was_active && !is_active) {
    const std::string& set = controlling_set(*event.previous).uid();
    const bool unwanted = set.empty() || written_by(event, "replicaset");
    if (const auto fill = fills_.find(uid); fill != fills_.end()) {
      // Its own loss is the one that it was to make good.
      if (const auto loss = losses_.find(fill->second); loss != losses_.end()) {
        if (unwanted) {
          losses_.erase(loss);
        } else {
          vacate(fill->second, loss->second);
        }
      }
      fills_.erase(fill);
    } else if (unwanted) {
      losses_.erase(uid);
    } else {
      vacate(uid, Loss{now, set, false});
    }
    return;
  }
  if (serving(event.object) && !serving(event.previous)) {
    if (const auto fill = fills_.find(uid); fill != fills_.end()) {
      made_good(fill->second, now);
      fills_.erase(fill);
    } else {
      made_good(uid, now);
    }
  }
}

// A set that shrinks or goes need not replace what it has lost.
void CrashHeals::on_replica_set(const store::StoreEvent& event) {
  if (!event.previous) return;
  if (event.object && replicas_of(event.object->as<api::ReplicaSet>()) >=
                          replicas_of(event.previous->as<api::ReplicaSet>())) {
    return;
  }
  const auto vacant = vacancies_.find(event.previous->uid());
  if (vacant != vacancies_.end()) {
    for (const std::string& pod : vacant->second) losses_.erase(pod);
    vacancies_.erase(vacant);
  }
  if (!event.object) {
    std::erase_if(losses_,
                  [&](const auto& loss) { return loss.second.set == event.previous->uid(); });
  }
}

}  // namespace keelson::sim
