// How pods ask for the GPUs of a node, and for shares of one.
//
// A pod requests the extended resource nvidia.com/gpu, as everywhere: the number of devices. If it
// needs only a part of each, its annotation says how many thousandths:
//
//   metadata: {annotations: {keelson.io/gpu-milli: "250"}}      a quarter of ...
//   spec: ... resources: {limits: {nvidia.com/gpu: 1}}          ... one device
//
// A node offers as many devices as its allocatable has of the resource; each has 1000 thousandths.
// Which devices a pod got is written into its annotation keelson.io/gpu-devices ("0,3") in the
// transaction that binds it. Without the annotation keelson.io/gpu-milli a pod gets whole devices.
// Models are told apart by the node label that NVIDIA's feature discovery sets, and demanded by node
// affinity.
//
// Only a scheduler with the GpuShare plugin chooses devices. Pods that were bound by another have
// none written down; they count as whole devices, as they always did.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/types.hpp"

namespace keelson::api {

inline constexpr const char* kGpuResource = "nvidia.com/gpu";
inline constexpr const char* kGpuModelLabel = "nvidia.com/gpu.product";
inline constexpr const char* kGpuMilliAnnotation = "keelson.io/gpu-milli";
inline constexpr const char* kGpuDevicesAnnotation = "keelson.io/gpu-devices";

inline constexpr int32_t kDeviceMilli = 1000;  // of a whole device
inline constexpr int32_t kDevicesMax = 64;     // of a node; further ones are not given to anybody

// Devices of one node, by their numbers 0..kDevicesMax-1.
class DeviceSet {
 public:
  constexpr DeviceSet() = default;
  constexpr explicit DeviceSet(uint64_t bits) : bits_(bits) {}
  constexpr void add(int32_t device) { bits_ |= uint64_t{1} << device; }
  constexpr bool has(int32_t device) const { return (bits_ >> device & 1) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr int32_t size() const { return std::popcount(bits_); }
  constexpr uint64_t bits() const { return bits_; }
  friend constexpr bool operator==(DeviceSet, DeviceSet) = default;

 private:
  uint64_t bits_ = 0;
};
std::string to_string(DeviceSet devices);  // "0,3"; empty: ""
// Nothing if it is not a list of different numbers of devices.
std::optional<DeviceSet> parse_devices(std::string_view text);

struct DeviceDemand {
  int32_t count = 0;             // devices; at most kDevicesMax + 1: more fit nowhere either
  int32_t milli = kDeviceMilli;  // of each
  bool malformed = false;        // the annotation makes no sense: `milli` is kDeviceMilli

  bool any() const { return count > 0; }
  int64_t total() const { return int64_t{count} * milli; }
  friend bool operator==(const DeviceDemand&, const DeviceDemand&) = default;
};
// `count`: what the pod requests of kGpuResource.
DeviceDemand device_demand(const ObjectMeta& pod, int64_t count);
// The devices that are written down for the pod; none if these are not as many as it asks for.
DeviceSet devices_of(const ObjectMeta& pod, const DeviceDemand& demand);

}  // namespace keelson::api
