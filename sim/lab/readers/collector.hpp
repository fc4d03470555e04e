// Gathers the arrivals of a trace whose rows come in no particular order: within a time window, and
// of those at most the first `limit`, so that a trace of any length costs what is kept of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.hpp"
#include "sim/lab/objects.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

// Which part of a trace is played.
struct Window {
  Duration from{};                 // since the trace began; what came before is left out
  std::optional<Duration> length;  // absent: to its end
  std::size_t limit = 0;           // only the first so many pods; 0: all
};

class Collector {
 public:
  explicit Collector(const Window& window) : window_(window) {}

  // Would a pod that comes at this time be kept, as far as is known by now? Saves making its shape.
  bool wants(Duration at) const;
  void add(Duration at, std::optional<Duration> runs_for, PodShape pod);

  // In the order of time, of equal times in the order in which they were added. Times count from
  // the beginning of the window.
  std::vector<Arrival> finish();

 private:
  struct Entry {
    Duration at{};
    uint64_t number = 0;
    std::optional<Duration> runs_for;
    PodShape pod;
    bool operator<(const Entry& other) const {
      return at != other.at ? at < other.at : number < other.number;
    }
  };
  Window window_;
  std::vector<Entry> entries_;  // with a limit: a heap, the latest on top
  uint64_t added_ = 0;
};

}  // namespace keelson::lab
