#include "sim/checks/ledger.hpp"

namespace keelson::sim {

void InvoluntaryLedger::open(const std::string& owner_uid, const std::string& pod_uid,
                             const std::string& why, Instant at) {
  const auto [it, inserted] = by_pod_.try_emplace(pod_uid, Entry{owner_uid, why, at, total_});
  if (!inserted) return;
  by_owner_[owner_uid].emplace(total_, pod_uid);
  ++total_;
}

void InvoluntaryLedger::close_pod(const std::string& pod_uid, Instant at) {
  const auto it = by_pod_.find(pod_uid);
  if (it == by_pod_.end()) return;
  heal_times_.push_back(at - it->second.at);
  const auto owner = by_owner_.find(it->second.owner_uid);
  owner->second.erase(it->second.number);
  if (owner->second.empty()) by_owner_.erase(owner);
  by_pod_.erase(it);
}

void InvoluntaryLedger::forget(const std::string& owner_uid) {
  const auto owner = by_owner_.find(owner_uid);
  if (owner == by_owner_.end()) return;
  for (const auto& [number, pod] : owner->second) by_pod_.erase(pod);
  by_owner_.erase(owner);
}

uint32_t InvoluntaryLedger::open_for(const std::string& owner_uid) const {
  const auto owner = by_owner_.find(owner_uid);
  return owner == by_owner_.end() ? 0 : static_cast<uint32_t>(owner->second.size());
}

}  // namespace keelson::sim
