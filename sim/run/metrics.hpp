// What a run measures about workloads: availability over time, rollouts, scheduling waits. Fed by
// commits, so it costs nothing where nothing changes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sim/checks/suite.hpp"

namespace keelson::sim {

struct WorkloadMetrics {
  std::string name;         // "default/web"
  int32_t desired = 0, available = 0;
  Instant since{};          // of the first time it was fully available
  bool was_available = false;
  Duration observed{};      // since then, while it existed
  Duration degraded{};      // of that, with fewer available pods than desired
  Duration down{};          // of that, with none
  int32_t worst = INT32_MAX;  // the fewest available pods while some were desired
  uint32_t rollouts = 0, rollouts_done = 0;
  Duration slowest_rollout{};
  bool rolling = false;
  Instant rolling_since{};
  Instant changed{};        // when desired or available last changed
  bool removed = false;
};

class Metrics {
 public:
  explicit Metrics(const CheckSuite& checks) : checks_(checks) {}

  void on_commits(std::span<const store::StoreEvent> events, Instant now);

  // By deployment uid; a deployment that was deleted stays.
  const std::map<std::string, WorkloadMetrics>& workloads() const { return workloads_; }
  const std::vector<Duration>& heal_times() const { return checks_.ledger().heal_times(); }
  // From a pod's creation to its binding.
  const std::vector<Duration>& waits() const { return waits_; }
  uint64_t pods_created() const { return pods_created_; }
  uint64_t pods_bound() const { return waits_.size(); }
  // Pods evicted because of their node's taints, and those of them whose node was alive and well.
  uint64_t evictions() const { return evictions_; }
  uint64_t false_evictions() const { return false_evictions_; }
  void watch_evictions(const World& world) { world_ = &world; }

 private:
  void deployment(const store::StoreEvent& event, Instant now);
  void pod(const store::StoreEvent& event, Instant now);
  static void account(WorkloadMetrics& workload, Instant now);

  const CheckSuite& checks_;
  const World* world_ = nullptr;
  std::map<std::string, WorkloadMetrics> workloads_;
  std::map<std::string, Instant> unbound_;  // pod uid -> creation
  std::vector<Duration> waits_;
  uint64_t pods_created_ = 0, evictions_ = 0, false_evictions_ = 0;
};

// The value below which `percent` of the values lie; zero if there are none.
Duration percentile(std::vector<Duration> values, int percent);

}  // namespace keelson::sim
