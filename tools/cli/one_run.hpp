// One run of a scenario in this process, with what only a process has: a clock, memory, a terminal
// and somebody who may press Ctrl-C.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "sim/report/report.hpp"

namespace keelson::cli {

// Reaching one leaves the run undecided. Zero: no limit.
struct Limits {
  double seconds = 0;       // of real time
  uint64_t memory_mib = 0;  // resident in this process
};

// From now on the first SIGINT or SIGTERM ends the run at hand, undecided, so that it is still
// reported; the second one ends the process. In a worker none does: it ends with its parent.
void stop_on_interrupt(bool worker = false);
bool interrupted();
// As if the user had: what is left need not be run any more.
void interrupt();

class OneRun {
 public:
  OneRun(const sim::Scenario& scenario, uint64_t seed, Limits limits, bool show_progress);
  // Ends the run, undecided, once so much virtual time has passed.
  void stop_at(Duration virtual_time) { stop_at_ = virtual_time; }
  sim::Verdict execute();
  const sim::Run& run() const { return *run_; }
  double wall() const { return wall_; }
  // The process is about to end and takes the run's memory with it: to free a big cluster object by
  // object takes a tenth of the time that it ran. Nothing else may be called afterwards.
  void leave_to_exit();

 private:
  // Why the run must end; empty: it goes on.
  std::string progress(const sim::Run& run);
  void show(const sim::Run& run, double passed);

  Limits limits_;
  bool show_progress_;
  std::optional<Duration> stop_at_;
  std::chrono::steady_clock::time_point begin_;
  double shown_ = 0;
  bool printed_ = false;
  double wall_ = 0;
  std::unique_ptr<sim::Run> run_;
};

}  // namespace keelson::cli
