// What pods claim of a node's GPUs, in sums by resource name: how binding, the node itself and the
// simulator's checks count beside each other's other sums.
//
// A pod whose devices are written down claims thousandths of each ("nvidia.com/gpu[3]": 250); any
// other claims whole devices, nobody knows which ("nvidia.com/gpu": 1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/devices.hpp"

namespace keelson::api {

// Of a pod that requests `count` of kGpuResource. Empty: nothing.
std::vector<std::pair<std::string, int64_t>> device_claims(const ObjectMeta& pod, int64_t count);

// The device that a claim on a part of one is about; -1: it is none.
int32_t claimed_device(std::string_view claim);

// The first claim in `sums` (pairs of name and amount, others' resources among them) that a node with
// so many devices cannot meet; empty: it can meet all of them. Whole devices have to be found among
// those that nobody has a part of.
template <class Sums>
std::string overdrawn_device(const Sums& sums, int64_t devices) {
  int64_t taken = 0;
  for (const auto& [name, amount] : sums) {
    if (amount <= 0) continue;
    if (name == kGpuResource) {
      if (amount > devices) return kGpuResource;
      taken += amount;
    } else if (const int32_t device = claimed_device(name); device >= 0) {
      if (device >= devices || amount > kDeviceMilli) return name;
      ++taken;
    }
  }
  return taken > devices ? kGpuResource : std::string();
}

}  // namespace keelson::api
