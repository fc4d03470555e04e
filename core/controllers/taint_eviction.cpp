#include "core/controllers/taint_eviction.hpp"

#include <algorithm>

#include "core/api/taints.hpp"

namespace keelson::controllers {

std::optional<Duration> tolerated_for(const Tolerations& tolerations, const api::Taint& taint) {
  for (const api::Toleration& toleration : tolerations) {
    if (!api::tolerates(toleration, taint)) continue;
    if (!toleration.has_toleration_seconds()) return std::nullopt;
    // Negative means at once; the upper bound only keeps the arithmetic in range.
    constexpr int64_t kCentury = 100LL * 366 * 86400;
    return std::chrono::seconds(
        std::clamp<int64_t>(toleration.toleration_seconds(), 0, kCentury));
  }
  return Duration::zero();
}

std::vector<api::Taint> no_execute_taints(const api::Node& node) {
  std::vector<api::Taint> found;
  for (const api::Taint& taint : node.spec().taints()) {
    if (taint.effect() == "NoExecute") found.push_back(taint);
  }
  return found;
}

bool same_taint(const api::Taint& a, const api::Taint& b) {
  return a.key() == b.key() && a.value() == b.value() && a.effect() == b.effect() &&
         a.time_added().seconds() == b.time_added().seconds() &&
         a.time_added().nanos() == b.time_added().nanos();
}

std::optional<Instant> EvictionSchedule::deadline(const Entry& entry,
                                                  const std::vector<Known>& taints) const {
  std::optional<Instant> due;
  const Tolerations& tolerations = entry.pod->as<api::Pod>().spec().tolerations();
  for (const Known& known : taints) {
    const std::optional<Duration> stay = tolerated_for(tolerations, known.taint);
    if (!stay) continue;
    const Instant at = std::max(known.since, entry.since) + *stay;
    if (!due || at < *due) due = at;
  }
  return due;
}

void EvictionSchedule::schedule(const std::string& uid, Entry& entry, std::optional<Instant> due) {
  if (entry.due == due) return;
  if (entry.due) queue_.erase({*entry.due, uid});
  if (due) queue_.insert({*due, uid});
  entry.due = due;
}

std::vector<api::ObjectPtr> EvictionSchedule::set_taints(const std::string& node,
                                                         const std::vector<api::Taint>& taints,
                                                         const std::vector<api::ObjectPtr>& pods,
                                                         Instant now) {
  std::vector<api::ObjectPtr> cancelled;
  auto it = nodes_.find(node);
  if (it == nodes_.end() && taints.empty()) return cancelled;
  const bool was_tainted = it != nodes_.end();

  std::vector<Known> known;
  bool changed = !was_tainted || it->second.size() != taints.size();
  for (const api::Taint& taint : taints) {
    Instant since = now;
    bool found = false;
    if (was_tainted) {
      for (const Known& old : it->second) {
        if (same_taint(old.taint, taint)) {
          since = old.since;
          found = true;
        }
      }
    }
    changed |= !found;
    known.push_back({taint, since});
  }
  if (!changed) return cancelled;

  if (known.empty()) {
    for (const api::ObjectPtr& pod : pods) {
      auto entry = pods_.find(pod->uid());
      if (entry == pods_.end()) continue;
      if (entry->second.due && *entry->second.due > now) cancelled.push_back(pod);
      remove_pod(pod->uid());
    }
    nodes_.erase(it);
    return cancelled;
  }
  nodes_[node] = std::move(known);
  const std::vector<Known>& current = nodes_[node];
  for (const api::ObjectPtr& pod : pods) {
    Entry& entry = pods_.try_emplace(pod->uid(), Entry{pod, node, now, {}}).first->second;
    entry.pod = pod;
    const std::optional<Instant> due = deadline(entry, current);
    if (entry.due && *entry.due > now && !due) cancelled.push_back(pod);
    schedule(pod->uid(), entry, due);
  }
  return cancelled;
}

void EvictionSchedule::set_pod(const std::string& node, const api::ObjectPtr& pod, Instant now) {
  auto taints = nodes_.find(node);
  if (taints == nodes_.end()) return;
  const auto [it, added] = pods_.try_emplace(pod->uid(), Entry{pod, node, now, {}});
  const api::ObjectPtr before = std::exchange(it->second.pod, pod);
  // Tolerations may be added to a running pod; nothing else that matters here can change.
  if (!added && before->as<api::Pod>().spec().tolerations_size() ==
                    pod->as<api::Pod>().spec().tolerations_size()) {
    return;
  }
  schedule(pod->uid(), it->second, deadline(it->second, taints->second));
}

void EvictionSchedule::remove_pod(const std::string& uid) {
  auto it = pods_.find(uid);
  if (it == pods_.end()) return;
  schedule(uid, it->second, std::nullopt);
  pods_.erase(it);
}

Instant EvictionSchedule::next_due() const {
  return queue_.empty() ? Instant::max() : queue_.begin()->first;
}

std::vector<EvictionSchedule::Due> EvictionSchedule::take_due(Instant now) {
  std::vector<Due> due;
  while (!queue_.empty() && queue_.begin()->first <= now) {
    const std::string uid = queue_.begin()->second;
    Entry& entry = pods_.at(uid);
    schedule(uid, entry, std::nullopt);
    due.push_back({uid, entry.node, entry.pod});
  }
  return due;
}

void EvictionSchedule::retry(const std::string& uid, Instant at) {
  auto it = pods_.find(uid);
  if (it == pods_.end() || it->second.due) return;
  const auto taints = nodes_.find(it->second.node);
  if (taints == nodes_.end()) return;
  const std::optional<Instant> due = deadline(it->second, taints->second);
  if (due) schedule(uid, it->second, std::max(*due, at));
}

bool EvictionSchedule::confirmed(const std::string& uid, const std::vector<api::Taint>& live,
                                 Instant now) const {
  const auto it = pods_.find(uid);
  if (it == pods_.end()) return false;
  const auto known = nodes_.find(it->second.node);
  if (known == nodes_.end()) return false;
  std::vector<Known> still;
  for (const Known& k : known->second) {
    if (std::any_of(live.begin(), live.end(),
                    [&](const api::Taint& taint) { return same_taint(k.taint, taint); })) {
      still.push_back(k);
    }
  }
  const std::optional<Instant> due = deadline(it->second, still);
  return due && *due <= now;
}

}  // namespace keelson::controllers
