#include "runtime/host/own_process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/exposition.hpp"

namespace keelson::host {

std::string own_process_metrics() {
  std::string out;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto ns = [](const timeval& time) {
      return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_usec * 1000;
    };
    Family(out, "process_cpu_seconds_total", "counter",
           "Total user and system CPU time spent in seconds.")
        .add({}, seconds_text(ns(usage.ru_utime) + ns(usage.ru_stime)));
  }
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  if (statm >> total >> resident) {
    Family(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")
        .add(resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  }
  std::error_code error;
  uint64_t open = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++open;
  }
  if (open > 0) {
    Family(out, "process_open_fds", "gauge", "Number of open file descriptors.").add(open);
  }
  return out;
}

}  // namespace keelson::host
