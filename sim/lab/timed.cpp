#include "sim/lab/timed.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/base/hash.hpp"
#include "core/scheduler/queue/scheduling_queue.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/timed_measures.hpp"

namespace keelson::lab {

namespace {

using scheduler::Decision;
using scheduler::NameId;
using scheduler::PodInfoPtr;
using scheduler::QueuedPod;
namespace events = scheduler::events;

// When no pod runs to an end and none is to come, pods that wait are given this long: ten flushes of
// those that no event has woken.
constexpr Duration kPatience = 10min;

class Timed {
 public:
  Timed(Cluster& cluster, const Workload& workload, const Policy& policy,
        const TimedOptions& options)
      : cluster_(cluster),
        workload_(workload),
        options_(options),
        queue_(cluster.shared_profile(),
               {.backoff_initial = policy.backoff_initial, .backoff_max = policy.backoff_max}),
        measures_(cluster, options.power) {
    pods_.reserve(workload.arrivals.size() + workload.bound.size());
    for (const api::ObjectPtr& pod : workload.bound) {
      index_[pod->uid()] = pods_.size();
      pods_.push_back({.object = pod, .started = true, .arrival = false});
      ++running_;
    }
    for (const Arrival& arrival : workload.arrivals) {
      index_[arrival.pod->uid()] = pods_.size();
      pods_.push_back({.object = arrival.pod, .came = arrival.at, .runs_for = arrival.runs_for});
    }
    next_ = workload.bound.size();
  }

  Outcome run() {
    for (;;) {
      const Duration at = next_event();
      if (at == Duration::max()) break;
      now_ = at;
      leave();
      arrive();
      queue_.advance(instant());
      schedule();
    }
    // Time in which pods only wait for what cannot come does not count, unless it was asked for.
    if (options_.length) {
      now_ = std::max(*options_.length, now_);
      pass();
    }
    Outcome outcome;
    // Those that have not come by the end are no part of it; those that have come and have no place
    // have waited until now, at least. Left out, a policy would look better the more it leaves.
    for (std::size_t i = 0; i < next_; ++i) {
      const Pod& pod = pods_[i];
      if (!pod.arrival) continue;
      const Duration until = pod.started ? pod.start : std::max(measures_.now(), pod.came);
      measures_.waited(until - pod.came, pod.runs_for);
      counts_.failed += !pod.started;
    }
    measures_.finish(counts_, outcome);
    outcome.hash = digest_.value();
    return outcome;
  }

 private:
  struct Pod {
    api::ObjectPtr object;
    Duration came{};
    std::optional<Duration> runs_for;
    bool started = false;  // has its place, or had it until its end
    bool arrival = true;
    Duration start{};
    uint32_t life = 0;  // rises with each start: what was to happen to an earlier one does not
  };
  struct Departure {
    Duration at;
    uint64_t number;
    std::size_t pod;
    uint32_t life;
    bool operator>(const Departure& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };

  Instant instant() const { return Instant(now_); }

  // Before anything changes: until now it was as it is.
  void pass() { measures_.pass(now_, {pending_, running_}); }

  // When something happens next; max: it is over.
  Duration next_event() {
    while (!departures_.empty() && stale(departures_.top())) departures_.pop();
    Duration at = departures_.empty() ? Duration::max() : departures_.top().at;
    if (next_ < pods_.size()) at = std::min(at, pods_[next_].came);
    const bool waits_only = at == Duration::max();
    if (!waits_only) last_sign_ = std::max(last_sign_, at);
    if (const Instant due = queue_.next_due(); due != Instant::max()) {
      const Duration turn = std::max(due.time_since_epoch(), now_);
      if (!waits_only || turn <= last_sign_ + kPatience) at = std::min(at, turn);
    }
    if (options_.length && at > *options_.length) return Duration::max();
    return at;
  }
  bool stale(const Departure& departure) const {
    return pods_[departure.pod].life != departure.life;
  }

  void leave() {
    while (!departures_.empty() && departures_.top().at <= now_) {
      const Departure departure = departures_.top();
      departures_.pop();
      if (stale(departure)) continue;
      Pod& pod = pods_[departure.pod];
      ++pod.life;
      const auto placed = placed_.find(pod.object->uid());
      vacate(*placed->second);
      placed_.erase(placed);
      note(3, departure.pod, 0);
    }
  }

  // The place is free, and those whom that helps are told.
  void vacate(const scheduler::PodInfo& pod) {
    pass();
    const NameId node = cluster_.cache().node_of(pod.uid());
    measures_.removed(pod, cluster_.snapshot().find(node));
    cluster_.remove(pod.uid());
    --running_;
    wake(events::pod_removed, node);
  }

  void arrive() {
    for (; next_ < pods_.size() && pods_[next_].came <= now_; ++next_) {
      pass();
      queue_.put(cluster_.info(pods_[next_].object), true, instant());
      ++pending_;
    }
  }

  void wake(scheduler::EventMask event, NameId node) {
    queue_.wake(event, cluster_.snapshot(), cluster_.snapshot().find(node), instant());
  }

  void schedule() {
    while (QueuedPod* pod = queue_.pop(&cluster_.snapshot())) {
      ++counts_.decisions;
      const PodInfoPtr info = pod->info;
      Decision decision = cluster_.decide(*info);
      switch (decision.kind) {
        case Decision::Kind::node: place(info, decision); break;
        case Decision::Kind::preempt: preempt(*pod, decision); break;
        case Decision::Kind::error: queue_.retry(*pod, instant()); break;
        case Decision::Kind::unschedulable:
          queue_.unschedulable(*pod, decision.diagnosis.rejectors(), instant());
          if (decision.clear_nomination) unnominate(info->uid());
          break;
      }
    }
  }

  void place(const PodInfoPtr& info, const Decision& decision) {
    const std::size_t number = index_.at(info->uid());
    Pod& pod = pods_[number];
    const NameId node = cluster_.snapshot().name(decision.node);
    const NameId nominated = cluster_.snapshot().unnominate(info->uid());
    pass();
    cluster_.place(info, decision);
    placed_[info->uid()] = info;
    queue_.remove(info->uid());
    measures_.placed(*info, decision.node);
    --pending_;
    ++running_;
    counts_.moves += pod.life > 0;
    pod.started = true;
    pod.start = now_;
    ++pod.life;
    last_sign_ = std::max(last_sign_, now_);
    if (pod.runs_for) departures_.push({now_ + *pod.runs_for, ++departed_, number, pod.life});
    note(1, number, decision.node);
    wake(events::pod_added, node);
    if (nominated != 0 && nominated != node) wake(events::pod_removed, nominated);
  }

  void preempt(QueuedPod& queued, const Decision& decision) {
    const PodInfoPtr info = queued.info;
    const NameId node = cluster_.snapshot().name(decision.node);
    queue_.unschedulable(queued, decision.diagnosis.rejectors(), instant());
    nominate(info, node);
    for (const PodInfoPtr& victim : decision.victims) {
      const std::size_t number = index_.at(victim->uid());
      Pod& pod = pods_[number];
      ++pod.life;
      pod.started = false;
      ++counts_.preemptions;
      note(2, number, decision.node);
      placed_.erase(victim->uid());
      vacate(*victim);
      // Whoever made it makes it again.
      queue_.put(cluster_.info(without_node(pod.object)), true, instant());
      ++pending_;
    }
  }

  // As the scheduler does it: pods of lower priority that counted on the node have lost it.
  void nominate(const PodInfoPtr& pod, NameId node) {
    std::vector<std::string> outranked;
    const auto& nominated = cluster_.snapshot().nominated();
    if (const auto it = nominated.find(node); it != nominated.end()) {
      for (const PodInfoPtr& other : it->second) {
        if (other->priority < pod->priority) outranked.push_back(other->uid());
      }
    }
    const NameId before = cluster_.snapshot().unnominate(pod->uid());
    cluster_.snapshot().nominate(pod, node);
    for (const std::string& uid : outranked) unnominate(uid);
    if (before != 0 && before != node) wake(events::pod_removed, before);
  }

  void unnominate(const std::string& uid) {
    const NameId node = cluster_.snapshot().unnominate(uid);
    if (node != 0) wake(events::pod_removed, node);
  }

  static api::ObjectPtr without_node(const api::ObjectPtr& object) {
    if (object->as<api::Pod>().spec().node_name().empty()) return object;
    api::Pod pod = object->as<api::Pod>();
    pod.mutable_spec()->clear_node_name();
    return api::make_object(std::move(pod));
  }

  void note(uint64_t what, std::size_t pod, uint64_t node) {
    digest_.add(static_cast<uint64_t>(now_.count()));
    digest_.add(what << 56 | static_cast<uint64_t>(pod));
    digest_.add(node);
  }

  Cluster& cluster_;
  const Workload& workload_;
  const TimedOptions& options_;
  scheduler::SchedulingQueue queue_;
  TimedMeasures measures_;
  TimedMeasures::Counts counts_;
  Digest digest_;
  std::vector<Pod> pods_;  // those that are there already, then the arrivals
  boost::unordered_flat_map<std::string, std::size_t> index_;      // by uid; lookups only
  boost::unordered_flat_map<std::string, PodInfoPtr> placed_;      // the same
  std::size_t next_ = 0;  // the next to come
  std::priority_queue<Departure, std::vector<Departure>, std::greater<>> departures_;
  uint64_t departed_ = 0;
  std::size_t pending_ = 0, running_ = 0;
  Duration now_{}, last_sign_{};
};

}  // namespace

Result<Outcome> run_timed(const Workload& workload, const Policy& policy,
                          const TimedOptions& options) {
  auto cluster = Cluster::make(workload, policy,
                               {.seed = options.seed,
                                .percentage_of_nodes_to_score = options.percentage_of_nodes_to_score});
  if (!cluster) return cluster.error();
  std::set<std::string_view> uids;
  for (const Arrival& arrival : workload.arrivals) {
    if (!uids.insert(arrival.pod->uid()).second || (*cluster)->cache().knows(arrival.pod->uid())) {
      return Error{Code::invalid, "workload " + workload.name + ": two pods have the uid " +
                                      arrival.pod->uid()};
    }
  }
  return Timed(**cluster, workload, policy, options).run();
}

}  // namespace keelson::lab
