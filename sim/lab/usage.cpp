#include "sim/lab/usage.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace keelson::lab {

using scheduler::NodeIndex;
using scheduler::Snapshot;

Amounts demand_of(const scheduler::PodInfo& pod) {
  return {pod.requests[scheduler::kCpu], pod.requests[scheduler::kMemory], pod.gpus.total()};
}

namespace {

int64_t at(const std::vector<int64_t>& column, NodeIndex node) {
  return node < column.size() ? column[node] : 0;
}

double share(int64_t part, int64_t whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add_balance(const char* resource, std::span<const double> shares, Outcome& outcome) {
  const Balance balance = balance_of(shares);
  outcome.metrics.push_back(
      {std::string(resource) + "-variation", "", Better::lower, balance.variation});
  outcome.metrics.push_back(
      {std::string(resource) + "-fairness", "", Better::higher, balance.fairness});
}

}  // namespace

Amounts capacity_of(const Snapshot& snapshot, NodeIndex node) {
  return {at(snapshot.resource(scheduler::kCpu).allocatable, node),
          at(snapshot.resource(scheduler::kMemory).allocatable, node),
          static_cast<int64_t>(snapshot.devices().left(node).size()) * scheduler::kDeviceMilli};
}

Amounts allocated_of(const Snapshot& snapshot, NodeIndex node) {
  return {at(snapshot.resource(scheduler::kCpu).requested, node),
          at(snapshot.resource(scheduler::kMemory).requested, node),
          capacity_of(snapshot, node).gpu_milli - snapshot.devices().total_left(node)};
}

Amounts capacity_of(const Snapshot& snapshot) {
  Amounts sum;
  snapshot.valid().for_each([&](NodeIndex node) { sum += capacity_of(snapshot, node); });
  return sum;
}

Amounts allocated_of(const Snapshot& snapshot) {
  Amounts sum;
  snapshot.valid().for_each([&](NodeIndex node) { sum += allocated_of(snapshot, node); });
  return sum;
}

double percentage(int64_t part, int64_t whole) {
  return 100.0 * share(part, whole);
}

Balance balance_of(std::span<const double> shares) {
  Balance balance;
  double sum = 0, squares = 0;
  for (const double s : shares) {
    sum += s;
    squares += s * s;
  }
  if (sum <= 0) return balance;
  const auto n = static_cast<double>(shares.size());
  const double mean = sum / n;
  double deviations = 0;
  for (const double s : shares) deviations += (s - mean) * (s - mean);
  balance.variation = std::sqrt(deviations / n) / mean;
  balance.fairness = sum * sum / (n * squares);
  return balance;
}

std::vector<NodeFill> fill_of(const Cluster& cluster) {
  const Snapshot& snapshot = cluster.snapshot();
  std::vector<NodeFill> nodes;
  nodes.reserve(cluster.node_count());
  for (NodeIndex node = 0; node < cluster.node_count(); ++node) {
    const Amounts whole = capacity_of(snapshot, node), used = allocated_of(snapshot, node);
    NodeFill& fill = nodes.emplace_back();
    fill.node = snapshot.name_text(node);
    fill.cpu = share(used.cpu_milli, whole.cpu_milli);
    fill.memory = share(used.memory, whole.memory);
    if (whole.gpu_milli > 0) fill.gpu = share(used.gpu_milli, whole.gpu_milli);
  }
  return nodes;
}

void add_usage(const Cluster& cluster, Outcome& outcome) {
  const Amounts whole = capacity_of(cluster.snapshot()), used = allocated_of(cluster.snapshot());
  const auto add = [&](const char* name, int64_t part, int64_t of) {
    if (of > 0) outcome.metrics.push_back({name, "%", Better::higher, percentage(part, of)});
  };
  add("gpu-allocation", used.gpu_milli, whole.gpu_milli);
  add("cpu-allocation", used.cpu_milli, whole.cpu_milli);
  add("memory-allocation", used.memory, whole.memory);
  std::vector<double> cpu, memory, gpu;
  for (const NodeFill& fill : fill_of(cluster)) {
    cpu.push_back(fill.cpu);
    memory.push_back(fill.memory);
    if (fill.gpu >= 0) gpu.push_back(fill.gpu);
  }
  add_balance("cpu", cpu, outcome);
  add_balance("memory", memory, outcome);
  if (!gpu.empty()) add_balance("gpu", gpu, outcome);
}

FragmentationMeter::FragmentationMeter(const Cluster& cluster,
                                       std::vector<scheduler::TypicalPod> typical)
    : cluster_(cluster), fragmentation_(std::move(typical)), nodes_(cluster.node_count()) {
  for (NodeIndex node = 0; node < nodes_.size(); ++node) update(node);
}

void FragmentationMeter::update(NodeIndex node) {
  const Snapshot& snapshot = cluster_.snapshot();
  const auto& labels = snapshot.object(node)->meta().labels();
  const auto model = labels.find(api::kGpuModelLabel);
  scheduler::Fragmentation::Node state;
  state.cpu = at(snapshot.resource(scheduler::kCpu).allocatable, node) -
              at(snapshot.resource(scheduler::kCpu).requested, node);
  state.model = fragmentation_.model(model == labels.end() ? std::string() : model->second);
  state.left = snapshot.devices().left(node);
  nodes_[node] = fragmentation_.of(state);
}

double FragmentationMeter::total() const {
  double sum = 0;
  for (const double f : nodes_) sum += f;
  return sum;
}

}  // namespace keelson::lab
