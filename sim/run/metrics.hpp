// What a run measures about workloads: availability over time, rollouts, scheduling waits. Fed by
// commits, so it costs nothing where nothing changes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sim/checks/suite.hpp"
#include "sim/run/crash_heals.hpp"

namespace keelson::sim {

// How complete a workload was in one slice of a run: the worst moment counts.
enum class Completeness : uint8_t { absent, starting, complete, degraded, down };

struct WorkloadMetrics {
  std::string name;         // "default/web"
  int32_t desired = 0, available = 0;
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
  // The phase of faults in slices of equal length.
  static constexpr std::size_t kSlices = 48;
  std::array<Completeness, kSlices> slices{};
};

class Metrics {
 public:
  // `planned` is the length of the phase of faults.
  Metrics(const CheckSuite& checks, Duration planned) : checks_(checks), planned_(planned) {}

  void on_commits(std::span<const store::StoreEvent> events, Instant now);
  void on_power_lost(const std::string& node, Instant now) {
    crash_heals_.power_lost(node, checks_.state(), now);
  }
  // The run is over: what has not changed since counts until now.
  void finish(Instant now);

  // By deployment uid; a deployment that was deleted stays.
  const std::map<std::string, WorkloadMetrics>& workloads() const { return workloads_; }
  // From a change of the pod template until all pods are of it and available.
  const std::vector<Duration>& rollout_times() const { return rollout_times_; }
  uint64_t rollouts() const { return rollouts_; }
  const std::vector<Duration>& heal_times() const { return checks_.ledger().heal_times(); }
  const CrashHeals& crash_heals() const { return crash_heals_; }
  // From a pod's creation to its binding.
  const std::vector<Duration>& waits() const { return waits_; }
  uint64_t pods_created() const { return pods_created_; }
  uint64_t pods_bound() const { return waits_.size(); }
  // The most pods that waited for a node at one time.
  std::size_t waiting_max() const { return waiting_max_; }
  // Pods evicted because of their node's taints, and those of them whose node was alive and well.
  uint64_t evictions() const { return evictions_; }
  uint64_t false_evictions() const { return false_evictions_; }
  // Of the latter those whose node nobody else could reach at that moment.
  uint64_t cut_off_evictions() const { return cut_off_evictions_; }
  void watch_evictions(const World& world) { world_ = &world; }

 private:
  void deployment(const store::StoreEvent& event, Instant now);
  void pod(const store::StoreEvent& event, Instant now);
  void account(WorkloadMetrics& workload, Instant now) const;

  const CheckSuite& checks_;
  Duration planned_;
  const World* world_ = nullptr;
  std::map<std::string, WorkloadMetrics> workloads_;
  std::map<std::string, Instant> unbound_;  // pod uid -> creation
  std::vector<Duration> waits_, rollout_times_;
  std::size_t waiting_max_ = 0;
  uint64_t rollouts_ = 0;
  uint64_t pods_created_ = 0, evictions_ = 0, false_evictions_ = 0, cut_off_evictions_ = 0;
  CrashHeals crash_heals_;
};

// The value below which `percent` of the values lie; zero if there are none.
Duration percentile(std::vector<Duration> values, int percent);

}  // namespace keelson::sim
