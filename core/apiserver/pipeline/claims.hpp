// What a pod claims of its node, in integers: the sums that binding checks.
// Source of the rules: k8s.io/component-helpers resource.PodRequests; NodeResourcesFit; NodePorts.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/api/types.hpp"

namespace keelson::apiserver {

struct HostPort {
  std::string ip;        // "0.0.0.0": all addresses
  std::string protocol;  // "TCP"
  int32_t port = 0;
};

struct Claims {
  int64_t milli_cpu = 0;
  int64_t memory = 0;
  // Sorted by resource name. Of GPUs, claims on single devices (core/api/device_claims.hpp).
  std::vector<std::pair<std::string, int64_t>> others;
  std::vector<HostPort> host_ports;

  void add(const Claims& more);
};

Claims claims_of(const api::Pod& pod);

inline bool finished(const api::Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

// Why `pod` does not fit onto `node` beside claims `taken` of `pods_taken` pods, worded as the
// scheduler words it ("Insufficient cpu"); empty: it fits.
std::string no_room(const api::Node& node, const Claims& taken, std::size_t pods_taken,
                    const Claims& pod);

}  // namespace keelson::apiserver
