// Pods that are of use only together: a group says by labels how many of its pods it needs at least.
// Source of the labels: the first form of kubernetes-sigs/scheduler-plugins' Coscheduling (KEP-2),
// which needs no kind of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/api/object.hpp"

namespace keelson::scheduler {

inline constexpr const char* kPodGroupLabel = "pod-group.scheduling.sigs.k8s.io/name";
inline constexpr const char* kMinAvailableLabel = "pod-group.scheduling.sigs.k8s.io/min-available";

struct PodGroupClaim {
  std::string group;           // "namespace/name"
  uint32_t min_available = 0;  // 0: the label is absent or no positive number
};
// nullopt: the pod belongs to no group.
std::optional<PodGroupClaim> group_claim(const api::Object& pod);

// Who belongs to which group: all pods that are neither finished nor on their way out, with a node or
// without.
class PodGroups {
 public:
  struct Group {
    std::map<std::string, bool> pods;  // uid: does it have a node?
    std::size_t bound = 0;
  };

  // As an informer tells it: `before` or `after` may be null. Answers whether a group gained a pod.
  bool apply(const api::ObjectPtr& before, const api::ObjectPtr& after);
  // Null: no pod belongs to it.
  const Group* find(const std::string& group) const {
    const auto it = groups_.find(group);
    return it == groups_.end() ? nullptr : &it->second;
  }

 private:
  std::map<std::string, Group> groups_;
};

}  // namespace keelson::scheduler
