#include "core/api/device_claims.hpp"

#include <charconv>

namespace keelson::api {

namespace {

// No resource has such a name: brackets are not allowed.
std::string claim_on(int32_t device) {
  return std::string(kGpuResource) + '[' + std::to_string(device) + ']';
}

}  // namespace

std::vector<std::pair<std::string, int64_t>> device_claims(const ObjectMeta& pod, int64_t count) {
  std::vector<std::pair<std::string, int64_t>> claims;
  if (count <= 0) return claims;
  const DeviceDemand demand = device_demand(pod, count);
  const DeviceSet devices = devices_of(pod, demand);
  if (devices.empty()) return {{kGpuResource, count}};
  for (int32_t d = 0; d < kDevicesMax; ++d) {
    if (devices.has(d)) claims.emplace_back(claim_on(d), demand.milli);
  }
  return claims;
}

int32_t claimed_device(std::string_view claim) {
  const std::string_view resource = kGpuResource;
  if (claim.size() < resource.size() + 3 || !claim.starts_with(resource) ||
      claim[resource.size()] != '[' || claim.back() != ']') {
    return -1;
  }
  int32_t device = -1;
  const char* end = claim.data() + claim.size() - 1;
  const auto parsed = std::from_chars(claim.data() + resource.size() + 1, end, device);
  return parsed.ec == std::errc{} && parsed.ptr == end && device >= 0 ? device : -1;
}

}  // namespace keelson::api
