// What is left of every node's GPUs, device by device (core/api/devices.hpp has the rules). A part of
// the snapshot: it changes with each pod that is placed or taken away, also on trial, and taking a
// pod away is the exact inverse of adding it.
//
// A pod's devices are those that stand in its PodInfo: read from its annotation, or chosen when its
// place was assumed. Where none are known (a pod that another scheduler bound, or one that is placed
// on trial) the best fit is taken for granted; if nothing fits, the emptiest devices carry it, and
// what is left of them may be negative.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "core/api/devices.hpp"
#include "core/scheduler/framework/node_bitset.hpp"

namespace keelson::scheduler {

struct PodInfo;

using api::DeviceDemand;
using api::DeviceSet;
using api::kDeviceMilli;

class DeviceTable {
 public:
  // Thousandths left of each device of the node; empty: it has none.
  std::span<const int32_t> left(NodeIndex node) const {
    const Row& row = rows_[node];
    return {row.left.data(), static_cast<std::size_t>(row.count)};
  }
  // Of all its devices together; what is overdrawn counts as nothing left.
  int32_t total_left(NodeIndex node) const { return rows_[node].total; }
  // Devices that nobody has a part of.
  int32_t whole_left(NodeIndex node) const { return rows_[node].whole; }
  // The devices that a pod on a node has, or is taken to have.
  DeviceSet held_by(const PodInfo& pod) const;
  // Enough devices have left what the pod wants of each?
  bool fits(NodeIndex node, const DeviceDemand& demand) const {
    const Row& row = rows_[node];
    if (demand.milli == kDeviceMilli) return row.whole >= demand.count;
    if (demand.count == 1) return row.most >= demand.milli;
    return fits(left(node), demand);
  }
  static bool fits(std::span<const int32_t> left, const DeviceDemand& demand);
  // The devices with the smallest rests that suffice, of equal ones the lowest numbers; so whole
  // devices come in the order of their numbers. Empty: it does not fit.
  static DeviceSet best_fit(std::span<const int32_t> left, const DeviceDemand& demand);

  // --- What the snapshot writes -----------------------------------------------------------------
  void resize(std::size_t rows) { rows_.resize(rows); }
  void set_count(NodeIndex node, int64_t devices);  // more than api::kDevicesMax are not seen
  // REQUIRES for both: the pod asks for devices, and its PodInfo::devices stay the same in between.
  void add(NodeIndex node, const PodInfo& pod);
  void remove(NodeIndex node, const PodInfo& pod);
  // Row i is what row order[i] was.
  void permute(const std::vector<NodeIndex>& order);

 private:
  struct Row {
    // At least `count` long; longer if pods hold devices that the node does not have (any more).
    boost::container::small_vector<int32_t, 8> left;
    int32_t count = 0;
    int32_t total = 0, whole = 0, most = 0;  // over the first `count`
  };
  static void take(Row& row, DeviceSet devices, int32_t milli);
  static void sum_up(Row& row);

  std::vector<Row> rows_;
  // Pods whose devices are not known, and what they were given. Never iterated.
  boost::unordered_flat_map<const PodInfo*, DeviceSet> guessed_;
};

}  // namespace keelson::scheduler
