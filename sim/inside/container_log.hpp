// The log of a simulated container, made up on demand from what really happened to it: its start, its
// image, when it began to serve, requests while it served, its end. The n-th line is a function of the
// container alone, so that nothing is stored and every reader sees the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/base/time.hpp"
#include "sim/inside/inside.hpp"
#include "sim/inside/program.hpp"

namespace keelson::sim {

struct LogLine {
  WallTime at;
  bool error = false;
  std::string text;  // without a newline
  bool open = false;  // and none comes after it
};

class ContainerLog {
 public:
  // `program`: what its process does; nullptr: not known any more, or there never was one.
  // `serves_after`: from its start until it answers requests.
  ContainerLog(const agent::ContainerInfo& container, const api::Pod& pod, const std::string& node,
               std::shared_ptr<const Program> program, Duration serves_after);

  // How many lines there are at that time; they are numbered from 0.
  uint64_t count(WallTime now) const;
  LogLine line(uint64_t number) const;
  // The first line that is not older.
  uint64_t first_since(WallTime since, WallTime now) const;
  // The container has ended, and the log with it.
  bool ended() const { return ended_; }

 private:
  static constexpr Duration kEvery = 10s;  // between requests, more or less
  void take_printed(const Program& program, const agent::ContainerInfo& container);
  WallTime periodic_at(uint64_t number) const;
  uint64_t periodic_until(WallTime end) const;

  std::string uid_;
  bool web_ = false;
  bool periodic_ = false;
  bool ended_ = false;
  WallTime serving_from_;
  std::vector<LogLine> first_;
  uint64_t periodic_total_ = 0;  // when ended
  std::vector<LogLine> last_;
};

// "2026-01-01T00:00:00.000000000Z", as the runtime's log files have it.
std::string log_timestamp(WallTime at);

}  // namespace keelson::sim
