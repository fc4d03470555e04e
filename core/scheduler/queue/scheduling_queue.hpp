// The pods that wait to be scheduled. A pod is
//   gated          held back by a pre-enqueue plugin,
//   active         in line: highest priority first,
//   backoff        failed lately; becomes active when its back-off is over (1 s, doubling to 10 s),
//   unschedulable  no node suited it; waits for an event that can help, and is tried again anyway
//                  after 60 s in case such an event was misjudged,
//   in flight      taken out, being scheduled or bound.
// The queue has no timers: its owner asks next_due() and calls advance().
// Source: kube-scheduler's PriorityQueue; GUARANTEES SC-6.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/base/time.hpp"
#include "core/scheduler/framework/profiles.hpp"
#include "core/scheduler/queue/queued_pod.hpp"

namespace keelson::scheduler {

struct QueueOptions {
  Duration backoff_initial = 1s;
  Duration backoff_max = 10s;
  Duration unschedulable_max = 60s;
};

class SchedulingQueue {
 public:
  struct Depths {
    std::size_t active = 0, backoff = 0, unschedulable = 0, gated = 0, in_flight = 0;
  };

  SchedulingQueue(Profiles profiles, QueueOptions options);

  // A pending pod appeared or changed. REQUIRES: one of the profiles is the pod's. `worth_a_try`: the change may make it schedulable.
  void put(const PodInfoPtr& pod, bool worth_a_try, Instant now);
  // The pod is bound or gone.
  void remove(const std::string& uid);

  // The next pod, now in flight; nullptr if none is active. Valid until remove(). `snapshot`: for
  // sorters that part the queue into lanes; without it they come in the order of their names.
  QueuedPod* pop(const Snapshot* snapshot = nullptr);
  // Ends of an attempt; each returns the pod to the queue. REQUIRES: in flight.
  //   No node suits it: `rejectors` are the plugins that said so. `by_outsider`: an extender did,
  //   too, so the pod is tried again after a while even if nothing has happened.
  void unschedulable(QueuedPod& pod, uint64_t rejectors, Instant now, bool by_outsider = false);
  //   Something went wrong that time may heal (a bind was refused, the API was away).
  void retry(QueuedPod& pod, Instant now);
  // The pod stays in flight because its bind succeeded; it leaves with remove() when it is seen
  // bound.

  // Something happened: moves the unschedulable pods that it may help. With a node, those of which
  // a rejecting plugin says that it could accept them there now.
  void wake(EventMask event, const Snapshot& snapshot, NodeIndex node, Instant now);

  // Something happened that concerns this pod alone.
  void wake_pod(const std::string& uid, Instant now);

  // Moves what is due. Call when next_due() is reached.
  void advance(Instant now);
  // When advance() will have something to do; Instant::max() for never.
  Instant next_due() const;

  QueuedPod* find(const std::string& uid);
  Depths depths() const;
  bool has_active() const { return active_count_ > 0; }
  Duration backoff_of(const QueuedPod& pod) const;

 private:
  struct ByDue {
    bool operator()(const QueuedPod* a, const QueuedPod* b) const {
      return a->due != b->due ? a->due < b->due : a->sequence < b->sequence;
    }
  };
  struct ByOrder {
    const Plugin* sorter;
    bool operator()(const QueuedPod* a, const QueuedPod* b) const {
      if (sorter->less(*a, *b)) return true;
      if (sorter->less(*b, *a)) return false;
      return a->sequence < b->sequence;
    }
  };
  using Lane = std::set<QueuedPod*, ByOrder>;
  Lane& lane_of(const QueuedPod& pod);
  void leave_lane(QueuedPod& pod);
  void enter(QueuedPod& pod, QueueState state);
  void leave(QueuedPod& pod);
  void make_ready(QueuedPod& pod, Instant now);  // active, or backoff if that is not over
  static bool gate(const QueuedPod& pod);

  Profiles profiles_;
  QueueOptions options_;
  boost::unordered_flat_map<std::string, std::unique_ptr<QueuedPod>> pods_;  // by uid; lookups only
  std::map<std::string, Lane, std::less<>> active_;  // by the sorter's lanes; none is empty
  std::size_t active_count_ = 0;
  std::set<QueuedPod*, ByDue> backoff_, unschedulable_;
  // Unschedulable pods per event bit, to pass over events that help nobody.
  std::array<std::size_t, 32> waiting_for_{};
  std::size_t gated_ = 0, in_flight_ = 0;
  uint64_t next_sequence_ = 1;
  // When each event last happened, counted in events: a pod is not flushed into a new attempt if
  // nothing has happened since the last one began that could change its outcome. (Since it began:
  // an attempt that waits for a permit lasts, and nobody wakes a pod in flight.)
  uint64_t event_count_ = 1;
  std::array<uint64_t, 32> last_event_{};
};

}  // namespace keelson::scheduler
