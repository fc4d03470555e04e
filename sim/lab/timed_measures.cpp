#include "sim/lab/timed_measures.hpp"

#include <algorithm>

#include "sim/lab/statistics.hpp"

namespace keelson::lab {

namespace {

// With more samples than this every second one is dropped, and they are taken half as often: a run
// of any length has between half as many and these.
constexpr std::size_t kSamplesMax = 600;
constexpr double kBoundS = 10;  // of the bounded slowdown

double seconds(Duration duration) { return static_cast<double>(duration.count()) * 1e-9; }

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

void add_quantiles(const std::string& name, const char* unit, std::vector<double>& values,
                   Outcome& outcome) {
  std::sort(values.begin(), values.end());
  const auto add = [&](const char* what, double value) {
    outcome.metrics.push_back({name + what, unit, Better::lower, value});
  };
  if (!values.empty()) {
    add("-mean", mean_of(values));
    add("-p50", quantile(values, 0.5));
    add("-p95", quantile(values, 0.95));
    add("-p99", quantile(values, 0.99));
  }
  outcome.distributions.push_back({name, unit, values});
}

}  // namespace

TimedMeasures::TimedMeasures(const Cluster& cluster, std::optional<PowerModel> power)
    : cluster_(cluster),
      power_(power),
      whole_(capacity_of(cluster.snapshot())),
      used_(allocated_of(cluster.snapshot())),
      nodes_(cluster.node_count()) {
  for (scheduler::NodeIndex node = 0; node < nodes_.size(); ++node) {
    nodes_[node].whole = capacity_of(cluster.snapshot(), node);
    nodes_[node].used = allocated_of(cluster.snapshot(), node);
  }
}

void TimedMeasures::settle(NodeUse& node) const {
  const int64_t ns = (now_ - node.since).count();
  node.cpu_ns += static_cast<__int128>(node.used.cpu_milli) * ns;
  node.memory_ns += static_cast<__int128>(node.used.memory) * ns;
  node.gpu_ns += static_cast<__int128>(node.used.gpu_milli) * ns;
  node.since = now_;
}

void TimedMeasures::placed(const scheduler::PodInfo& pod, scheduler::NodeIndex node) {
  const Amounts demand = demand_of(pod);
  used_ += demand;
  if (node >= nodes_.size()) return;
  settle(nodes_[node]);
  nodes_[node].used += demand;
}

void TimedMeasures::removed(const scheduler::PodInfo& pod, scheduler::NodeIndex node) {
  const Amounts demand = demand_of(pod);
  used_ -= demand;
  if (node >= nodes_.size()) return;
  settle(nodes_[node]);
  nodes_[node].used -= demand;
}

void TimedMeasures::pass(Duration now, const State& state) {
  const int64_t ns = (now - now_).count();
  if (ns == 0) return;
  while (next_sample_ < now) {
    sample(next_sample_, state);
    next_sample_ += every_;
  }
  cpu_ns_ += static_cast<__int128>(used_.cpu_milli) * ns;
  memory_ns_ += static_cast<__int128>(used_.memory) * ns;
  gpu_ns_ += static_cast<__int128>(used_.gpu_milli) * ns;
  pending_max_ = std::max(pending_max_, state.pending);
  now_ = now;
}

void TimedMeasures::sample(Duration at, const State& state) {
  Sample sample{};
  sample.at_s = seconds(at);
  sample.cpu = percentage(used_.cpu_milli, whole_.cpu_milli);
  sample.memory = percentage(used_.memory, whole_.memory);
  sample.gpu = percentage(used_.gpu_milli, whole_.gpu_milli);
  sample.pending = static_cast<double>(state.pending);
  sample.running = static_cast<double>(state.running);
  std::vector<double> cpu, memory, gpu;
  for (const NodeFill& node : fill_of(cluster_)) {
    cpu.push_back(node.cpu);
    memory.push_back(node.memory);
    if (node.gpu >= 0) gpu.push_back(node.gpu);
  }
  sample.cpu_balance = balance_of(cpu);
  sample.memory_balance = balance_of(memory);
  sample.gpu_balance = balance_of(gpu);
  samples_.push_back(sample);
  if (samples_.size() >= kSamplesMax) thin_out();
}

void TimedMeasures::thin_out() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); i += 2) samples_[kept++] = samples_[i];
  samples_.resize(kept);
  // The one that was taken last is among those that are dropped: the next is due one old step later.
  every_ *= 2;
  next_sample_ = Duration(static_cast<int64_t>(samples_.back().at_s + 0.5) * 1'000'000'000);
}

void TimedMeasures::waited(Duration waited, std::optional<Duration> ran) {
  waits_s_.push_back(seconds(waited));
  if (!ran) return;
  const double run = seconds(*ran);
  slowdowns_.push_back(std::max(1.0, (seconds(waited) + run) / std::max(run, kBoundS)));
}

void TimedMeasures::finish(const Counts& counts, Outcome& outcome) {
  const auto add = [&](const char* name, const char* unit, Better better, double value) {
    outcome.metrics.push_back({name, unit, better, value});
  };
  add_quantiles("waiting-time", "s", waits_s_, outcome);
  add_quantiles("bounded-slowdown", "", slowdowns_, outcome);
  add("failed-pods", "pods", Better::lower, static_cast<double>(counts.failed));
  add("preemptions", "pods", Better::lower, static_cast<double>(counts.preemptions));
  add("moves", "pods", Better::lower, static_cast<double>(counts.moves));
  add("decisions", "", Better::neither, static_cast<double>(counts.decisions));
  add("makespan", "s", Better::lower, seconds(now_));
  add("pending-pods-max", "pods", Better::lower, static_cast<double>(pending_max_));

  const double ns = std::max(static_cast<double>(now_.count()), 1.0);
  const auto share = [&](__int128 part, int64_t whole) {
    return whole <= 0 ? 0 : 100 * static_cast<double>(part) / ns / static_cast<double>(whole);
  };
  if (whole_.gpu_milli > 0) {
    add("gpu-allocation", "%", Better::higher, share(gpu_ns_, whole_.gpu_milli));
  }
  add("cpu-allocation", "%", Better::higher, share(cpu_ns_, whole_.cpu_milli));
  add("memory-allocation", "%", Better::higher, share(memory_ns_, whole_.memory));
  const auto balance = [&](const std::string& name, Balance Sample::*of) {
    double variation = 0, fairness = 0;
    for (const Sample& sample : samples_) {
      variation += (sample.*of).variation;
      fairness += (sample.*of).fairness;
    }
    const double n = std::max(static_cast<double>(samples_.size()), 1.0);
    add((name + "-variation").c_str(), "", Better::lower, variation / n);
    add((name + "-fairness").c_str(), "", Better::higher, fairness / n);
  };
  balance("cpu", &Sample::cpu_balance);
  balance("memory", &Sample::memory_balance);
  if (whole_.gpu_milli > 0) balance("gpu", &Sample::gpu_balance);
  if (power_) {
    // Linear in the share of each node's CPUs, hence, for nodes that are alike, in the cluster's.
    const double used = share(cpu_ns_, whole_.cpu_milli) / 100;
    const double watts = static_cast<double>(cluster_.node_count()) *
                         (static_cast<double>(power_->idle_w) +
                          used * static_cast<double>(power_->peak_w - power_->idle_w));
    add("energy", "kWh", Better::lower, watts * seconds(now_) / 3.6e6);
  }

  const auto series = [&](const char* name, const char* unit, double Sample::*of) {
    Series line{name, unit, "time", {}, {}};
    for (const Sample& sample : samples_) {
      line.x.push_back(sample.at_s);
      line.y.push_back(sample.*of);
    }
    outcome.series.push_back(std::move(line));
  };
  if (whole_.gpu_milli > 0) series("gpu-allocation", "%", &Sample::gpu);
  series("cpu-allocation", "%", &Sample::cpu);
  series("memory-allocation", "%", &Sample::memory);
  series("pending-pods", "pods", &Sample::pending);
  series("running-pods", "pods", &Sample::running);

  // Over time, as the allocation is: the nodes' mean, weighted by their capacity, is that metric.
  outcome.nodes = fill_of(cluster_);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    NodeUse& node = nodes_[i];
    settle(node);
    NodeFill& fill = outcome.nodes[i];
    fill.cpu = share(node.cpu_ns, node.whole.cpu_milli) / 100;
    fill.memory = share(node.memory_ns, node.whole.memory) / 100;
    if (node.whole.gpu_milli > 0) fill.gpu = share(node.gpu_ns, node.whole.gpu_milli) / 100;
  }
}

}  // namespace keelson::lab
