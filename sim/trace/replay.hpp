// Plays a trace on a cluster: creates and deletes its pods at their times (compressed by the
// scenario's speed) and samples how full the cluster is.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/checks/suite.hpp"
#include "sim/run/user.hpp"
#include "sim/trace/openb.hpp"

namespace keelson::sim {

// The cluster at one moment of the trace. Shares are of the capacity of the trace's nodes, in
// millionths.
struct TraceSample {
  Duration trace_time{};
  uint64_t bound = 0, pending = 0;
  uint32_t cpu_ppm = 0, memory_ppm = 0, gpu_ppm = 0;
};

class TraceReplay {
 public:
  TraceReplay(const Trace& trace, const TraceSpec& spec, World& world, User& user,
              const CheckSuite& checks);
  // `duration`: how long there is for it.
  void start(Duration duration);
  void stop() { stopped_ = true; }
  const std::vector<TraceSample>& samples() const { return samples_; }
  uint64_t created() const { return created_; }
  uint64_t deleted() const { return deleted_; }
  // Virtual time that the whole trace takes.
  Duration length() const;
  // Steps of the trace (a pod created or deleted) that were not made: the run was too short.
  std::size_t left() const { return steps_.size() - next_step_; }

 private:
  void next();
  void sample();
  Duration compressed(Duration trace_time) const { return trace_time / spec_.speed; }

  struct Step {
    Duration at;
    bool create;
    std::size_t pod;
  };
  const Trace& trace_;
  TraceSpec spec_;
  World& world_;
  User& user_;
  const CheckSuite& checks_;
  std::vector<Step> steps_;
  std::size_t next_step_ = 0;
  std::vector<TraceSample> samples_;
  int64_t cpu_total_ = 0, memory_total_ = 0, gpu_total_ = 0;
  uint64_t created_ = 0, deleted_ = 0;
  bool stopped_ = false;
};

}  // namespace keelson::sim
