// What containers and the machine use: the port behind it, and a sampler that makes rates of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/callback.hpp"
#include "core/base/loop.hpp"

namespace keelson::node {

struct Reading {
  WallTime at;
  int64_t cpu_ns = 0;             // of all cores, since the start
  int64_t working_set_bytes = 0;  // memory without what can be had back at once
  // 0: not known.
  int64_t memory_bytes = 0;  // with all of the page cache
  int64_t rss_bytes = 0;
};

struct ContainerReading {
  std::string id;  // of this run of it
  std::string pod_ns, pod_name, pod_uid, container;
  WallTime started_at;        // 0: not known
  int64_t written_bytes = 0;  // in its writable layer
  Reading reading;
};

struct MachineReading {
  Reading reading;
  WallTime booted_at;
  int64_t memory_capacity_bytes = 0, memory_available_bytes = 0;
};
// From /proc. Code::unavailable: it cannot be read.
Result<MachineReading> read_machine(WallTime now);

class ContainerStatsSource {
 public:
  virtual void container_stats(Done<std::vector<ContainerReading>> done) = 0;

 protected:
  ~ContainerStatsSource() = default;
};

// Reads everything every ten seconds (kubelet's housekeeping interval) and keeps what the last two
// readings say.
// Threading: the thread of the loop.
class StatsSampler {
 public:
  static constexpr Duration kEvery = 10s;

  // Both must outlive it.
  StatsSampler(Loop& loop, ContainerStatsSource& source, Duration every = kEvery);

  struct Measured {
    ContainerReading now;
    int64_t cpu_nanocores = -1;  // -1: not known yet
  };
  struct MeasuredMachine {
    MachineReading now;
    int64_t cpu_nanocores = -1;
  };
  // Sorted by namespace, name, uid, container.
  const std::vector<Measured>& containers() const { return containers_; }
  const MeasuredMachine& machine() const { return machine_; }
  uint64_t failures() const { return failures_; }
  bool failing() const { return failing_; }  // the last reading

 private:
  void sample();
  void take(std::vector<ContainerReading> readings);

  Loop& loop_;
  ContainerStatsSource& source_;
  const Duration every_;
  std::vector<Measured> containers_;
  MeasuredMachine machine_;
  uint64_t failures_ = 0;
  bool failing_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer timer_;
};

}  // namespace keelson::node
