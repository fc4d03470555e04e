// Looks every ten seconds at what the node has left. When it is short of something, the node says so in
// its conditions, what nobody needs is thrown away, and if that does not help one pod is evicted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/context.hpp"
#include "core/agent/eviction_rules.hpp"
#include "core/agent/garbage.hpp"

namespace keelson::agent {

class EvictionManager {
 public:
  struct Hooks {
    // Pods that run here and have not begun to end.
    std::function<std::vector<EvictionCandidate>()> candidates;
    // A pod that was evicted still has processes: what it frees is not free yet.
    std::function<bool()> ending;
    std::function<void(const std::string& uid, Verdict verdict)> evict;
    std::function<void()> drop_dead_containers;
    std::function<void(NodePressure pressure)> on_pressure;  // when it changes
  };
  EvictionManager(Context& context, NodeStats& stats, ImageGarbage& garbage, Hooks hooks);

  void start() { timer_.arm(Duration::zero()); }
  NodePressure pressure() const { return pressure_; }

 private:
  void measure();
  void on_measured(NodeMeasurement measured);
  void note(const std::vector<Shortage>& now);
  void refresh_volumes();
  void evict_for(const std::vector<Shortage>& now, const NodeMeasurement& measured);

  Context& context_;
  NodeStats& stats_;
  ImageGarbage& garbage_;
  Hooks hooks_;
  NodePressure pressure_;
  Instant seen_memory_, seen_disk_, seen_pids_;  // when it was last short of them; zero: never
  VolumeUsages volumes_;
  Instant volumes_at_;
  bool measuring_volumes_ = false;
  bool reclaimed_ = false;  // what nobody needs is gone: now it is the pods' turn
  Lifetime lifetime_;
  Timer timer_;
};

}  // namespace keelson::agent
