#include "core/scheduler/cache/device_table.hpp"

#include <algorithm>
#include <utility>

#include "core/base/assert.hpp"
#include "core/scheduler/cache/pod_info.hpp"

namespace keelson::scheduler {

namespace {

int32_t size_of(std::span<const int32_t> left) {
  return static_cast<int32_t>(left.size());
}

// As many of the devices with the most left as the pod asks for and there are.
DeviceSet emptiest(std::span<const int32_t> left, int32_t count) {
  DeviceSet chosen;
  for (int32_t n = std::min(count, size_of(left)); n > 0; --n) {
    int32_t best = -1;
    for (int32_t d = 0; d < size_of(left); ++d) {
      if (!chosen.has(d) && (best < 0 || left[d] > left[best])) best = d;
    }
    chosen.add(best);
  }
  return chosen;
}

}  // namespace

bool DeviceTable::fits(std::span<const int32_t> left, const DeviceDemand& demand) {
  return std::count_if(left.begin(), left.end(),
                       [&](int32_t l) { return l >= demand.milli; }) >= demand.count;
}

DeviceSet DeviceTable::best_fit(std::span<const int32_t> left, const DeviceDemand& demand) {
  if (!fits(left, demand)) return {};
  DeviceSet chosen;
  for (int32_t n = 0; n < demand.count; ++n) {
    int32_t best = -1;
    for (int32_t d = 0; d < size_of(left); ++d) {
      if (left[d] < demand.milli || chosen.has(d)) continue;
      if (best < 0 || left[d] < left[best]) best = d;
    }
    chosen.add(best);
  }
  return chosen;
}

void DeviceTable::set_count(NodeIndex node, int64_t devices) {
  Row& row = rows_[node];
  row.count = static_cast<int32_t>(std::clamp<int64_t>(devices, 0, api::kDevicesMax));
  if (row.left.size() < static_cast<std::size_t>(row.count)) {
    row.left.resize(static_cast<std::size_t>(row.count), kDeviceMilli);
  }
  sum_up(row);
}

void DeviceTable::add(NodeIndex node, const PodInfo& pod) {
  DeviceSet devices = pod.devices;
  if (devices.empty()) {
    devices = best_fit(left(node), pod.gpus);
    if (devices.empty()) devices = emptiest(left(node), pod.gpus.count);
    const bool fresh = guessed_.emplace(&pod, devices).second;
    KEELSON_ASSERT_WHY(fresh, "a pod is on one node at a time");
  }
  take(rows_[node], devices, pod.gpus.milli);
}

void DeviceTable::remove(NodeIndex node, const PodInfo& pod) {
  take(rows_[node], held_by(pod), -pod.gpus.milli);
  if (pod.devices.empty()) guessed_.erase(&pod);
}

DeviceSet DeviceTable::held_by(const PodInfo& pod) const {
  if (!pod.devices.empty()) return pod.devices;
  const auto it = guessed_.find(&pod);
  return it == guessed_.end() ? DeviceSet{} : it->second;
}

void DeviceTable::permute(const std::vector<NodeIndex>& order) {
  std::vector<Row> moved(rows_.size());
  for (std::size_t i = 0; i < order.size(); ++i) moved[i] = std::move(rows_[order[i]]);
  rows_ = std::move(moved);
}

void DeviceTable::take(Row& row, DeviceSet devices, int32_t milli) {
  for (int32_t d = 0; d < api::kDevicesMax && devices.bits() >> d != 0; ++d) {
    if (!devices.has(d)) continue;
    if (row.left.size() <= static_cast<std::size_t>(d)) {
      row.left.resize(static_cast<std::size_t>(d) + 1, kDeviceMilli);
    }
    row.left[static_cast<std::size_t>(d)] -= milli;
  }
  sum_up(row);
}

void DeviceTable::sum_up(Row& row) {
  row.total = row.whole = row.most = 0;
  for (int32_t d = 0; d < row.count; ++d) {
    const int32_t left = row.left[static_cast<std::size_t>(d)];
    row.total += std::max(left, 0);
    row.whole += left >= kDeviceMilli;
    row.most = std::max(row.most, left);
  }
}

}  // namespace keelson::scheduler
