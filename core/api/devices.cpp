#include "core/api/devices.hpp"

#include <algorithm>
#include <charconv>

namespace keelson::api {

namespace {

// A decimal number of one to four digits without sign; nothing if it is more than `most`.
std::optional<int32_t> parse_number(std::string_view text, int32_t most) {
  int32_t value = 0;
  if (text.empty() || text.size() > 4 || text.front() == '-') return std::nullopt;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  return value <= most ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string to_string(DeviceSet devices) {
  std::string text;
  for (int32_t d = 0; d < kDevicesMax; ++d) {
    if (!devices.has(d)) continue;
    if (!text.empty()) text += ',';
    text += std::to_string(d);
  }
  return text;
}

std::optional<DeviceSet> parse_devices(std::string_view text) {
  DeviceSet devices;
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto device = parse_number(text.substr(0, comma), kDevicesMax - 1);
    if (!device || devices.has(*device)) return std::nullopt;
    devices.add(*device);
    if (comma == std::string_view::npos) return devices;
    text.remove_prefix(comma + 1);
  }
}

DeviceDemand device_demand(const ObjectMeta& pod, int64_t count) {
  DeviceDemand demand;
  demand.count = static_cast<int32_t>(std::clamp<int64_t>(count, 0, kDevicesMax + 1));
  if (demand.count == 0) return demand;
  const auto it = pod.annotations().find(kGpuMilliAnnotation);
  if (it == pod.annotations().end()) return demand;
  const auto milli = parse_number(it->second, kDeviceMilli);
  demand.malformed = !milli || *milli == 0;
  if (!demand.malformed) demand.milli = *milli;
  return demand;
}

DeviceSet devices_of(const ObjectMeta& pod, const DeviceDemand& demand) {
  const auto it = pod.annotations().find(kGpuDevicesAnnotation);
  if (!demand.any() || it == pod.annotations().end()) return {};
  const DeviceSet devices = parse_devices(it->second).value_or(DeviceSet{});
  return devices.size() == demand.count ? devices : DeviceSet{};
}

}  // namespace keelson::api
