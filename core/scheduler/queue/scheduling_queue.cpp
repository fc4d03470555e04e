#include "core/scheduler/queue/scheduling_queue.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/base/assert.hpp"

namespace keelson::scheduler {
namespace {

template <class F>
void for_each_bit(EventMask mask, F&& body) {
  for (uint32_t bits = mask.bits(); bits != 0; bits &= bits - 1) {
    body(static_cast<std::size_t>(std::countr_zero(bits)));
  }
}

}  // namespace

SchedulingQueue::SchedulingQueue(Profiles profiles, QueueOptions options)
    : profiles_(std::move(profiles)), options_(options) {}

SchedulingQueue::Lane& SchedulingQueue::lane_of(const QueuedPod& pod) {
  const Plugin& sorter = profiles_.sorter();
  const std::string_view name = sorter.lane(*pod.info);
  auto it = active_.find(name);
  if (it == active_.end()) it = active_.emplace(std::string(name), Lane(ByOrder{&sorter})).first;
  return it->second;
}

void SchedulingQueue::leave_lane(QueuedPod& pod) {
  Lane& lane = lane_of(pod);
  active_count_ -= lane.erase(&pod);
  if (lane.empty()) active_.erase(active_.find(profiles_.sorter().lane(*pod.info)));
}

bool SchedulingQueue::gate(const QueuedPod& pod) {
  for (const Plugin* plugin : pod.profile->at(Point::pre_enqueue)) {
    if (!plugin->pre_enqueue(*pod.info).ok()) return true;
  }
  return false;
}

void SchedulingQueue::enter(QueuedPod& pod, QueueState state) {
  pod.state = state;
  switch (state) {
    case QueueState::gated: ++gated_; break;
    case QueueState::active:
      lane_of(pod).insert(&pod);
      ++active_count_;
      break;
    case QueueState::backoff: backoff_.insert(&pod); break;
    case QueueState::unschedulable:
      unschedulable_.insert(&pod);
      for_each_bit(pod.wakes_on, [&](std::size_t bit) { ++waiting_for_[bit]; });
      break;
    case QueueState::in_flight: ++in_flight_; break;
  }
}

void SchedulingQueue::leave(QueuedPod& pod) {
  switch (pod.state) {
    case QueueState::gated: --gated_; break;
    case QueueState::active: leave_lane(pod); break;
    case QueueState::backoff: backoff_.erase(&pod); break;
    case QueueState::unschedulable:
      unschedulable_.erase(&pod);
      for_each_bit(pod.wakes_on, [&](std::size_t bit) { --waiting_for_[bit]; });
      break;
    case QueueState::in_flight: --in_flight_; break;
  }
}

Duration SchedulingQueue::backoff_of(const QueuedPod& pod) const {
  if (pod.failures == 0) return Duration::zero();
  Duration d = options_.backoff_initial;
  for (uint32_t i = 1; i < pod.failures && d < options_.backoff_max; ++i) d *= 2;
  return std::min(d, options_.backoff_max);
}

void SchedulingQueue::make_ready(QueuedPod& pod, Instant now) {
  pod.due = pod.failed + backoff_of(pod);
  if (pod.failures > 0 && pod.due > now) {
    enter(pod, QueueState::backoff);
    return;
  }
  pod.added = now;
  enter(pod, QueueState::active);
}

void SchedulingQueue::put(const PodInfoPtr& info, bool worth_a_try, Instant now) {
  auto& slot = pods_[info->uid()];
  if (!slot) {
    slot = std::make_unique<QueuedPod>();
    slot->info = info;
    const Profiles::Entry* entry = profiles_.of(*info);
    KEELSON_ASSERT_WHY(entry != nullptr, "the pod is another scheduler's");
    slot->profile = entry->profile.get();
    slot->sequence = next_sequence_++;
    slot->added = slot->first_added = now;
    enter(*slot, gate(*slot) ? QueueState::gated : QueueState::active);
    return;
  }
  QueuedPod& pod = *slot;
  if (pod.state == QueueState::in_flight) {
    pod.info = info;  // taken into account if the attempt fails
    return;
  }
  leave(pod);  // its place may depend on what changed
  pod.info = info;
  if (gate(pod)) {
    enter(pod, QueueState::gated);
  } else if (pod.state == QueueState::gated) {
    pod.added = now;
    enter(pod, QueueState::active);
  } else if (pod.state == QueueState::unschedulable && worth_a_try) {
    make_ready(pod, now);
  } else {
    enter(pod, pod.state);
  }
}

void SchedulingQueue::remove(const std::string& uid) {
  const auto it = pods_.find(uid);
  if (it == pods_.end()) return;
  leave(*it->second);
  pods_.erase(it);
}

QueuedPod* SchedulingQueue::pop(const Snapshot* snapshot) {
  if (active_.empty()) return nullptr;
  QueuedPod* pod = *active_.begin()->second.begin();
  if (snapshot != nullptr && active_.size() > 1) {
    for (const auto& [name, lane] : active_) {
      QueuedPod* first = *lane.begin();
      if (first != pod && profiles_.sorter().lane_before(*first, *pod, *snapshot)) pod = first;
    }
  }
  leave(*pod);
  ++pod->attempts;
  pod->tried_at = event_count_;
  enter(*pod, QueueState::in_flight);
  return pod;
}

void SchedulingQueue::unschedulable(QueuedPod& pod, uint64_t rejectors, Instant now,
                                    bool by_outsider) {
  KEELSON_ASSERT(pod.state == QueueState::in_flight);
  leave(pod);
  ++pod.failures;
  pod.failed = now;
  pod.rejectors = rejectors;
  pod.by_outsider = by_outsider;
  pod.wakes_on = pod.profile->wakes_on(rejectors);
  if (gate(pod)) {
    enter(pod, QueueState::gated);
    return;
  }
  pod.due = now + options_.unschedulable_max;
  enter(pod, QueueState::unschedulable);
}

void SchedulingQueue::retry(QueuedPod& pod, Instant now) {
  KEELSON_ASSERT(pod.state == QueueState::in_flight);
  leave(pod);
  ++pod.failures;
  pod.failed = now;
  pod.rejectors = 0;
  if (gate(pod)) {
    enter(pod, QueueState::gated);
  } else {
    make_ready(pod, now);
  }
}

void SchedulingQueue::wake(EventMask event, const Snapshot& snapshot, NodeIndex node, Instant now) {
  if (event.empty()) return;
  ++event_count_;
  bool anybody = false;
  for_each_bit(event, [&](std::size_t bit) {
    last_event_[bit] = event_count_;
    anybody |= waiting_for_[bit] > 0;
  });
  if (!anybody) return;
  std::vector<QueuedPod*> woken;
  for (QueuedPod* pod : unschedulable_) {
    if (!pod->wakes_on.intersects(event)) continue;
    if (pod->profile->helps(pod->rejectors, event, *pod->info, snapshot, node)) woken.push_back(pod);
  }
  for (QueuedPod* pod : woken) {
    leave(*pod);
    make_ready(*pod, now);
  }
}

void SchedulingQueue::wake_pod(const std::string& uid, Instant now) {
  QueuedPod* pod = find(uid);
  if (pod == nullptr || pod->state != QueueState::unschedulable) return;
  leave(*pod);
  make_ready(*pod, now);
}

void SchedulingQueue::advance(Instant now) {
  while (!backoff_.empty() && (*backoff_.begin())->due <= now) {
    QueuedPod* pod = *backoff_.begin();
    leave(*pod);
    pod->added = now;
    enter(*pod, QueueState::active);
  }
  while (!unschedulable_.empty() && (*unschedulable_.begin())->due <= now) {
    QueuedPod* pod = *unschedulable_.begin();
    leave(*pod);
    bool changed = pod->by_outsider;
    for_each_bit(pod->wakes_on,
                 [&](std::size_t bit) { changed |= last_event_[bit] > pod->tried_at; });
    if (changed) {
      make_ready(*pod, now);
    } else {
      pod->due = now + options_.unschedulable_max;
      enter(*pod, QueueState::unschedulable);
    }
  }
}

Instant SchedulingQueue::next_due() const {
  Instant due = Instant::max();
  if (!backoff_.empty()) due = std::min(due, (*backoff_.begin())->due);
  if (!unschedulable_.empty()) due = std::min(due, (*unschedulable_.begin())->due);
  return due;
}

QueuedPod* SchedulingQueue::find(const std::string& uid) {
  const auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : it->second.get();
}

SchedulingQueue::Depths SchedulingQueue::depths() const {
  return {active_count_, backoff_.size(), unschedulable_.size(), gated_, in_flight_};
}

}  // namespace keelson::scheduler
