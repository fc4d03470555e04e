// The core of the scheduler without an API server: queue, decision, cache, and the events that a
// real one would get from its informers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/scheduling/shapes.hpp"
#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/framework/decide.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/queue/scheduling_queue.hpp"

namespace keelson::bench {

// CPU time of this thread: what others do on the machine counts less than in time that passes.
double cpu_seconds();

// Measured: everything from the pod's arrival to its confirmation on its node, the decisions that
// found nothing, preemption and churn. Not measured: making the objects that an API server makes.
class SchedulingWorld {
 public:
  // `remember`: see scheduler::Cycle.
  SchedulingWorld(const Shape& shape, uint64_t seed, bool remember = true);

  struct Outcome {
    int placed = 0;
    int waiting = 0;      // pods that found no place
    int preemptions = 0;  // decisions with victims
    int decisions = 0;
    double seconds = 0;
  };
  Outcome run();

 private:
  void add_pods(const Pods& pods, int churn_every);
  void arrive(std::vector<api::ObjectPtr> pods);
  void decide_all();
  void decide_one(scheduler::QueuedPod& queued);
  void confirm();
  void churn();
  void wake(scheduler::EventMask event, scheduler::NameId node);
  void remove_pod(const std::string& uid);
  // Counts the time that `body` takes.
  template <class F>
  void timed(F&& body) {
    const double begin = cpu_seconds();
    body();
    seconds_ += cpu_seconds() - begin;
  }

  const Shape& shape_;
  scheduler::Cache cache_;
  scheduler::ProfilePtr profile_;
  scheduler::SchedulingQueue queue_;
  scheduler::Cycle cycle_;
  Rng rng_;
  Instant now_{};
  int next_pod_ = 0;
  int churned_ = 0;
  api::ObjectPtr churn_node_, churn_service_;
  std::string churn_pod_;
  std::vector<std::pair<scheduler::PodInfoPtr, scheduler::NameId>> assumed_;
  Outcome outcome_;
  double seconds_ = 0;
};

}  // namespace keelson::bench
