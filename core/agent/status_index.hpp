// The statuses of a pod's containers by name, which no two of them share, of whatever sort they are: a pod
// may have ten thousand containers, and looking for each in a list would take a node minutes.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/object.hpp"

namespace keelson::agent {

class StatusIndex {
 public:
  // Refers to the status.
  explicit StatusIndex(const api::PodStatus& status) {
    for (const auto& one : status.init_container_statuses()) statuses_.push_back(&one);
    for (const auto& one : status.container_statuses()) statuses_.push_back(&one);
    for (const auto& one : status.ephemeral_container_statuses()) statuses_.push_back(&one);
    std::stable_sort(statuses_.begin(), statuses_.end(),
                     [](const auto* a, const auto* b) { return a->name() < b->name(); });
  }

  // Of several with one name the first; null: there is none.
  const api::ContainerStatus* find(std::string_view name) const {
    const auto found = std::lower_bound(
        statuses_.begin(), statuses_.end(), name,
        [](const api::ContainerStatus* status, std::string_view n) { return status->name() < n; });
    return found != statuses_.end() && (*found)->name() == name ? *found : nullptr;
  }

 private:
  std::vector<const api::ContainerStatus*> statuses_;
};

}  // namespace keelson::agent
