#include "runtime/host/host_stats.hpp"

#include "runtime/host/proc.hpp"

namespace keelson::host {

HostStats::HostStats(Loop& loop, HostStatsOptions options, UsageSource containers)
    : loop_(loop), options_(std::move(options)), containers_(std::move(containers)) {}

Result<agent::NodeMeasurement> HostStats::read(const std::string& image_path) const {
  const Result<Memory> memory = read_memory(options_.root);
  if (!memory.ok()) return memory.error();
  agent::NodeMeasurement out;
  out.memory_capacity_bytes = memory->capacity_bytes;
  out.memory_available_bytes = memory->available_bytes;
  const Processes processes = read_processes(options_.root);
  out.pids_max = processes.max;
  out.pids_used = processes.used;
  out.node_fs = read_filesystem(options_.disk);
  out.image_fs = image_path.empty() ? out.node_fs : read_filesystem(image_path);
  return out;
}

void HostStats::measure(std::string image_path, Done<agent::NodeMeasurement> done) {
  Result<agent::NodeMeasurement> measured = read(image_path);
  if (!measured.ok() || !containers_) {
    loop_.post([measured = std::move(measured), done = std::move(done)]() mutable {
      done(std::move(measured));
    });
    return;
  }
  containers_([measured = std::move(*measured),
               done = std::move(done)](Result<agent::PodUsages> pods) mutable {
    if (pods.ok()) measured.pods = std::move(*pods);
    done(std::move(measured));
  });
}

}  // namespace keelson::host
