// The scheduler: watches nodes and pods, decides where pending pods go, binds them. The decision is
// a pure function (framework/decide.hpp); this is the machine around it, with informers, queue,
// cache, binding, preemption and what users are told.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/api/request.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/extender/extenders.hpp"
#include "core/scheduler/framework/decide.hpp"
#include "core/scheduler/framework/profiles.hpp"
#include "core/scheduler/queue/scheduling_queue.hpp"

namespace keelson::scheduler {

struct SchedulerOptions {
  std::string user = "system:kube-scheduler";
  std::string actor = "scheduler-0";
  bool warnings_only = false;  // records no events about normal progress (Scheduled)
  // Only pods that name one of these in spec.schedulerName are scheduled. Not shared between
  // schedulers. nullopt: the default plugins under the default name.
  std::optional<Profiles> profiles;
  QueueOptions queue;
  ExtenderSet extenders;
  // Decisions per turn of the loop, and the time between such turns (what the decisions are to cost
  // in a simulation; on real hardware zero: they take the time that they take).
  uint32_t cycles_per_turn = 100;
  Duration pacing{};
  // Deciding pauses while this many binds are unanswered.
  uint32_t binds_in_flight_max = 1000;
  Duration read_back_retry = 1s;
  // After the store has lost history: so long a node may take to report what it still runs before pods are
  // placed without waiting for it. As long as node health waits for a heartbeat.
  Duration report_patience = 40s;
};

struct SchedulerStats {
  uint64_t scheduled = 0;      // pods bound
  uint64_t attempts = 0;       // decisions made
  uint64_t unschedulable = 0;  // of those, without a node
  uint64_t preemptions = 0;    // of those, with victims
  uint64_t victims = 0;
  uint64_t errors = 0;  // a plugin failed
  uint64_t binds_refused = 0, binds_unknown = 0;
  SchedulingQueue::Depths queue;
  std::size_t binds_in_flight = 0;
};

class Scheduler {
 public:
  Scheduler(Loop& loop, client::ApiClient& client, Rng rng, Log& log, SchedulerOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Starts the informers only, so that a standby is ready when it is elected. start() does it too.
  void warm_up();
  // Schedules in the role from now on. `leading` is asked before each write.
  void start(api::Fence fence, std::function<bool()> leading);
  // Makes no further decision. Calls in flight are still followed up, caches kept warm.
  void stop();

  bool synced() const;
  SchedulerStats stats() const;
  // For checkers and reports.
  const Cache& cache() const;
  const Profiles& profiles() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::scheduler
