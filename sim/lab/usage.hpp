// How a cluster is used: what experiments measure of it, whatever they play.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/scheduler/policies/fragmentation.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/outcome.hpp"

namespace keelson::lab {

struct Amounts {
  int64_t cpu_milli = 0, memory = 0, gpu_milli = 0;
  Amounts& operator+=(const Amounts& other) {
    cpu_milli += other.cpu_milli;
    memory += other.memory;
    gpu_milli += other.gpu_milli;
    return *this;
  }
  Amounts& operator-=(const Amounts& other) {
    cpu_milli -= other.cpu_milli;
    memory -= other.memory;
    gpu_milli -= other.gpu_milli;
    return *this;
  }
};
// What the pod asks for.
Amounts demand_of(const scheduler::PodInfo& pod);
// What all nodes have together.
Amounts capacity_of(const scheduler::Snapshot& snapshot);
// What the pods on all nodes ask for together, GPUs by the device table.
Amounts allocated_of(const scheduler::Snapshot& snapshot);

// Of one node.
Amounts capacity_of(const scheduler::Snapshot& snapshot, scheduler::NodeIndex node);
Amounts allocated_of(const scheduler::Snapshot& snapshot, scheduler::NodeIndex node);

// 100 * part / whole; 0 of nothing.
double percentage(int64_t part, int64_t whole);

// How evenly the nodes are used: over the shares 0..1.
struct Balance {
  double variation = 0;  // the coefficient of variation: 0 if all are alike
  double fairness = 1;   // Jain's index: 1 if all are alike, 1/n if one has it all
};
Balance balance_of(std::span<const double> shares);

// Of the workload's nodes, in their order.
std::vector<NodeFill> fill_of(const Cluster& cluster);

// Metrics of the cluster as it is now: "cpu-allocation", "memory-allocation", "gpu-allocation" (if it
// has GPUs), and the balance of the nodes' use of each.
void add_usage(const Cluster& cluster, Outcome& outcome);

// FGD's fragmentation of the cluster, kept up to date node by node.
class FragmentationMeter {
 public:
  // `typical`: the pods that are expected (scheduler::typical_pods).
  FragmentationMeter(const Cluster& cluster, std::vector<scheduler::TypicalPod> typical);

  // Something changed on the node.
  void update(scheduler::NodeIndex node);
  // Idle GPU that a typical pod cannot use, in thousandths of a device: the sum over the nodes, in
  // their order.
  double total() const;

 private:
  const Cluster& cluster_;
  scheduler::Fragmentation fragmentation_;
  std::vector<double> nodes_;
};

}  // namespace keelson::lab
