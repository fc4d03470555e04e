// The ledger of involuntary losses: which pods are unavailable for a reason that no controller chose
// (their node crashed or was cut off, a container died, a user deleted them). Availability is checked
// against what was promised minus the open entries; without it every node crash would be a false alarm.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.hpp"

namespace keelson::sim {

class InvoluntaryLedger {
 public:
  // `pod_uid` of the workload `owner_uid` (its ReplicaSet) was lost. A second loss of the same pod
  // changes nothing.
  void open(const std::string& owner_uid, const std::string& pod_uid, const std::string& why,
            Instant at);
  // The pod is available again, or a replacement of it became available.
  void close_pod(const std::string& pod_uid, Instant at);
  // The workload is gone: nobody waits for its pods any more.
  void forget(const std::string& owner_uid);

  // Open entries of a workload.
  uint32_t open_for(const std::string& owner_uid) const;
  bool is_open(const std::string& pod_uid) const { return by_pod_.count(pod_uid) != 0; }
  uint64_t total() const { return total_; }
  std::size_t open() const { return by_pod_.size(); }
  // How long each closed entry was open, in the order of closing: the heal times.
  const std::vector<Duration>& heal_times() const { return heal_times_; }

 private:
  struct Entry {
    std::string owner_uid;
    std::string why;
    Instant at;
    uint64_t number;
  };
  std::map<std::string, Entry> by_pod_;
  std::map<std::string, std::map<uint64_t, std::string>> by_owner_;  // number -> pod, oldest first
  uint64_t total_ = 0;
  std::vector<Duration> heal_times_;
};

}  // namespace keelson::sim
