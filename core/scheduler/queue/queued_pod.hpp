// A pod that waits to be scheduled, with what the queue knows about its attempts.
#pragma once

#include <cstdint>

#include "core/base/time.hpp"
#include "core/scheduler/cache/pod_info.hpp"
#include "core/scheduler/framework/events.hpp"

namespace keelson::scheduler {

class Profile;

enum class QueueState : uint8_t {
  gated,          // a pre-enqueue plugin holds it back
  active,         // next in order
  backoff,        // becomes active when its back-off is over
  unschedulable,  // waits for an event that can help
  in_flight,      // taken out to be scheduled or bound
};

struct QueuedPod {
  PodInfoPtr info;
  const Profile* profile = nullptr;  // that decides for it
  QueueState state{};
  uint32_t attempts = 0;
  uint32_t failures = 0;  // in a row: what back-off is computed from
  Instant added{};        // when it last became ready to be queued; sorts pods of one priority
  Instant first_added{};
  Instant failed{};        // end of the last attempt
  Instant due{};           // backoff: when it becomes active; unschedulable: when it is flushed
  uint64_t sequence = 0;   // order of arrival: breaks ties
  uint64_t rejectors = 0;  // plugins that rejected it last (bit per slot)
  EventMask wakes_on;      // events that can undo that
  bool by_outsider = false;  // somebody had a say of whose changes of mind there are no events
  uint64_t tried_at = 0;   // the queue's event counter when the last attempt began
};

// The queue's usual order: pods of higher priority first, among equals the one that has waited longer.
inline bool ahead(const QueuedPod& a, const QueuedPod& b) {
  if (a.info->priority != b.info->priority) return a.info->priority > b.info->priority;
  if (a.added != b.added) return a.added < b.added;
  return a.sequence < b.sequence;
}

}  // namespace keelson::scheduler
