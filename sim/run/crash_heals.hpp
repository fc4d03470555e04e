// How long workloads miss the pods that were lost with their nodes: from the moment a node loses
// power until, for each pod that ran there, its ReplicaSet has a replacement that is ready, or the
// pod itself is back. Only that: what flaps while its node is merely silent is no crash, and what
// is created for a pod that was evicted for nothing is no replacement of a dead one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sim/checks/state_model.hpp"

namespace keelson::sim {

class CrashHeals {
 public:
  // `state` is that of the API at this moment.
  void power_lost(const std::string& node, const StateModel& state, Instant now);
  void on_pod(const store::StoreEvent& event, Instant now);
  void on_replica_set(const store::StoreEvent& event);

  // Pods that ran on nodes when these lost power.
  uint64_t lost() const { return lost_; }
  // Of those that are made good, in that order. The rest are waited for, or not wanted any more.
  const std::vector<Duration>& times() const { return times_; }

 private:
  struct Loss {
    Instant at;
    std::string set;     // uid of its ReplicaSet
    bool crash = false;  // else somebody took the pod away
  };
  void vacate(const std::string& pod, Loss loss);
  void made_good(const std::string& pod, Instant now);

  std::map<std::string, Loss> losses_;  // by the lost pod's uid
  // By ReplicaSet: the lost pods that it may replace, since they do not count any more, in the
  // order in which they left; it creates one pod for each.
  std::map<std::string, std::deque<std::string>> vacancies_;
  std::map<std::string, std::string>
      fills_;  // new pod -> the lost pod in whose place it was created
  uint64_t lost_ = 0;
  std::vector<Duration> times_;
};

}  // namespace keelson::sim
