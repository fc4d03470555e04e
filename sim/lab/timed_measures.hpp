// What timed.cpp keeps account of while time passes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/lab/cluster.hpp"
#include "sim/lab/outcome.hpp"
#include "sim/lab/timed.hpp"
#include "sim/lab/usage.hpp"

namespace keelson::lab {

class TimedMeasures {
 public:
  TimedMeasures(const Cluster& cluster, std::optional<PowerModel> power);

  struct State {
    std::size_t pending = 0, running = 0;
  };
  // Time goes on to `now`; until then everything was as `state` and the cluster are. Call before
  // either changes.
  void pass(Duration now, const State& state);

  // A pod took its place or gave it up. Call after pass().
  void placed(const scheduler::PodInfo& pod, scheduler::NodeIndex node);
  void removed(const scheduler::PodInfo& pod, scheduler::NodeIndex node);

  // The last pass().
  Duration now() const { return now_; }

  // A pod has its place for good: until its end, or to the end of the experiment. Or it has none at
  // that end: then this is how long it had waited by then, and its true wait is longer.
  void waited(Duration waited, std::optional<Duration> ran);

  struct Counts {
    uint64_t failed = 0, preemptions = 0, moves = 0, decisions = 0;
  };
  void finish(const Counts& counts, Outcome& outcome);

 private:
  // Of one node: what is used of it now, and amounts times nanoseconds until `since`.
  struct NodeUse {
    Amounts whole, used;
    Duration since{};
    __int128 cpu_ns = 0, memory_ns = 0, gpu_ns = 0;
  };
  // Until now the node's use was as it is.
  void settle(NodeUse& node) const;

  void sample(Duration at, const State& state);
  void thin_out();

  const Cluster& cluster_;
  std::optional<PowerModel> power_;
  Amounts whole_, used_;
  Duration now_{};
  // Amounts times nanoseconds.
  __int128 cpu_ns_ = 0, memory_ns_ = 0, gpu_ns_ = 0;
  std::size_t pending_max_ = 0;
  Duration every_ = 1s, next_sample_{};
  struct Sample {
    double at_s, cpu, memory, gpu, pending, running;
    Balance cpu_balance, memory_balance, gpu_balance;
  };
  std::vector<Sample> samples_;
  std::vector<NodeUse> nodes_;
  std::vector<double> waits_s_, slowdowns_;
};

}  // namespace keelson::lab
