#include "runtime/process/role_metrics.hpp"

#include "core/base/exposition.hpp"

namespace keelson::runtime {

std::string controller_metrics(const std::vector<controllers::ControllerMetrics>& all) {
  using Metrics = controllers::ControllerMetrics;
  std::string out;
  const auto family = [&](const char* name, const char* type, const char* help, auto value) {
    Family samples(out, name, type, help);
    for (const Metrics& one : all) samples.add(label("name", one.name), value(one));
  };
  family("workqueue_depth", "gauge", "Current depth of workqueue",
         [](const Metrics& one) -> uint64_t { return one.waiting; });
  family("workqueue_adds_total", "counter", "Total number of adds handled by workqueue",
         [](const Metrics& one) { return one.adds; });
  family("workqueue_retries_total", "counter", "Total number of retries handled by workqueue",
         [](const Metrics& one) { return one.retries; });
  family("keelson_controller_reconciles_total", "counter", "Plans that a controller has made.",
         [](const Metrics& one) { return one.reconciles; });
  family("keelson_controller_in_flight", "gauge",
         "Keys whose writes are under way, or not yet seen by the controller itself.",
         [](const Metrics& one) -> uint64_t { return one.in_flight; });
  Family writes(out, "keelson_controller_writes_total", "counter",
                "Writes of controllers, by what became of them.");
  for (const Metrics& one : all) {
    const auto add = [&](const char* result, uint64_t count) {
      writes.add(label("name", one.name) + "," + label("result", result), count);
    };
    add("ok", one.writes.writes);
    add("conflict", one.writes.conflicts);
    add("refused", one.writes.refused);
    add("unknown", one.writes.unknown);
  }
  return out;
}

std::string scheduler_metrics(const scheduler::SchedulerStats& stats) {
  std::string out;
  Family(out, "scheduler_pending_pods", "gauge", "Number of pending pods, by the queue type.")
      .add(label("queue", "active"), stats.queue.active)
      .add(label("queue", "backoff"), stats.queue.backoff)
      .add(label("queue", "gated"), stats.queue.gated)
      .add(label("queue", "unschedulable"), stats.queue.unschedulable);
  Family(out, "scheduler_schedule_attempts_total", "counter",
         "Number of attempts to schedule pods, by the result.")
      .add(label("result", "scheduled"), stats.scheduled)
      .add(label("result", "unschedulable"), stats.unschedulable)
      .add(label("result", "error"), stats.errors + stats.binds_refused);
  Family(out, "scheduler_preemption_attempts_total", "counter",
         "Total preemption attempts in the cluster till now")
      .add(stats.preemptions);
  Family(out, "keelson_scheduler_preemption_victims_total", "counter",
         "Pods that had to make room.")
      .add(stats.victims);
  Family(out, "keelson_scheduler_binds_in_flight", "gauge", "Decisions whose binding is under way.")
      .add(stats.binds_in_flight);
  return out;
}

}  // namespace keelson::runtime
