// The profiles of one scheduler: which one decides for a pod is said by its spec.schedulerName. They
// share the queue and the cache.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/scheduler/framework/profile.hpp"

namespace keelson::scheduler {

inline constexpr std::string_view kDefaultSchedulerName = "default-scheduler";

class Profiles {
 public:
  struct Entry {
    std::string scheduler_name;
    ProfilePtr profile;  // not null, and of no other scheduler: its plugins have state
    // See Cycle: 0 adapts to the size of the cluster, 100 scores all feasible nodes.
    int32_t percentage_of_nodes_to_score = 0;
  };

  // Error: Code::invalid: no profile, a name that comes twice, or profiles that sort the one queue
  // differently.
  static Result<Profiles> make(std::vector<Entry> entries);
  // One profile under the default name.
  Profiles(ProfilePtr profile);  // NOLINT: a profile is a set of one

  const std::vector<Entry>& entries() const { return entries_; }
  // Null: pods of this name are another scheduler's. A pod without a name has the default one.
  const Entry* find(std::string_view scheduler_name) const;
  const Entry* of(const PodInfo& pod) const { return find(pod.pod().spec().scheduler_name()); }
  // Orders the queue.
  const Plugin& sorter() const { return entries_.front().profile->sorter(); }

 private:
  Profiles() = default;
  std::vector<Entry> entries_;
};

}  // namespace keelson::scheduler
