// What the placed pods of each namespace request, for fair sharing between namespaces.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/scheduler/cache/pod_info.hpp"

namespace keelson::scheduler {

class NamespaceUsage {
 public:
  void add(const PodInfo& pod, int64_t sign);
  // By ResourceId; shorter than there are resources, or empty, where nothing is used.
  std::span<const int64_t> of(const std::string& ns) const {
    const auto it = used_.find(ns);
    return it == used_.end() ? std::span<const int64_t>() : it->second;
  }

 private:
  std::map<std::string, std::vector<int64_t>> used_;
};

}  // namespace keelson::scheduler
