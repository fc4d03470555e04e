#include "core/scheduler/cache/namespace_usage.hpp"

namespace keelson::scheduler {

void NamespaceUsage::add(const PodInfo& pod, int64_t sign) {
  std::vector<int64_t>& used = used_[pod.ns()];
  if (used.size() < kFirstExtended) used.resize(kFirstExtended);
  for (ResourceId id = 0; id < kFirstExtended; ++id) used[id] += sign * pod.requests[id];
  for (const auto& [id, amount] : pod.extended) {
    if (id >= used.size()) used.resize(id + 1u);
    used[id] += sign * amount;
  }
}

}  // namespace keelson::scheduler
