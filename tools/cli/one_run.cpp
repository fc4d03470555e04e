#include "tools/cli/one_run.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace keelson::cli {

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t signal_seen = 0;

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// 0 where it cannot be told.
uint64_t resident_mib() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long total = 0, resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) >> 20 : 0;
}

}  // namespace

void stop_on_interrupt(bool worker) {
  struct sigaction action = {};
  action.sa_handler = [](int) { signal_seen = 1; };
  action.sa_flags = worker ? 0 : static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (worker) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool interrupted() {
  return signal_seen != 0;
}

void interrupt() {
  signal_seen = 1;
}

OneRun::OneRun(const sim::Scenario& scenario, uint64_t seed, Limits limits, bool show_progress)
    : limits_(limits), show_progress_(show_progress), begin_(Clock::now()) {
  sim::RunOptions options;
  options.seed = seed;
  options.progress = [this](const sim::Run& run) { return progress(run); };
  run_ = std::make_unique<sim::Run>(scenario, std::move(options));
}

sim::Verdict OneRun::execute() {
  const sim::Verdict verdict = run_->execute();
  wall_ = since(begin_);
  if (printed_) std::fprintf(stderr, "\r%70s\r", "");
  return verdict;
}

std::string OneRun::progress(const sim::Run& run) {
  if (interrupted()) return "it was interrupted";
  if (stop_at_ && run.elapsed() >= *stop_at_) return "it was to end here";
  const double passed = since(begin_);
  if (limits_.seconds > 0 && passed > limits_.seconds) {
    return fmt::format("the limit of {} s of real time was reached", limits_.seconds);
  }
  if (limits_.memory_mib > 0 && resident_mib() > limits_.memory_mib) {
    return fmt::format("the limit of {} MiB of memory was reached", limits_.memory_mib);
  }
  if (show_progress_ && passed - shown_ >= 0.5) show(run, passed);
  return {};
}

void OneRun::show(const sim::Run& run, double passed) {
  shown_ = passed;
  printed_ = true;
  const double done =
      std::min(1.0, static_cast<double>(run.elapsed().count()) /
                        static_cast<double>(std::max<int64_t>(run.planned().count(), 1)));
  if (done < 1) {
    std::fprintf(stderr, "\r  %s of %s virtual, %3.0f %%, %.0f s left at this speed      ",
                 sim::clock_text(run.elapsed()).c_str(), sim::clock_text(run.planned()).c_str(),
                 done * 100, done > 0 ? passed * (1 - done) / done : 0.0);
  } else {
    std::fprintf(stderr, "\r  %s virtual, %-50s", sim::clock_text(run.elapsed()).c_str(),
                 run.phase() == sim::Phase::quiet ? "nothing may be written any more"
                                                  : "faults have stopped, settling");
  }
}

void OneRun::leave_to_exit() {
  // Still reachable, for those who look for leaks; volatile, or nothing would be kept in it.
  [[maybe_unused]] static const sim::Run* volatile left;
  left = run_.release();
}

}  // namespace keelson::cli
