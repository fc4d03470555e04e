#include "runtime/node/stats.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

namespace keelson::node {

namespace {

auto key_of(const ContainerReading& reading) {
  return std::tie(reading.pod_ns, reading.pod_name, reading.pod_uid, reading.container);
}

// Between two readings of the same thing; -1: they say nothing.
int64_t rate(const Reading& before, const Reading& now) {
  const int64_t took = now.at.unix_ns - before.at.unix_ns;
  const int64_t used = now.cpu_ns - before.cpu_ns;
  if (took <= 0 || used < 0) return -1;  // it has been started anew, or the clock was set
  return static_cast<int64_t>(static_cast<double>(used) / static_cast<double>(took) * 1e9);
}

}  // namespace

Result<MachineReading> read_machine(WallTime now) {
  MachineReading machine;
  machine.reading.at = now;
  const int64_t tick_ns = 1'000'000'000 / std::max<int64_t>(1, ::sysconf(_SC_CLK_TCK));
  std::ifstream stat("/proc/stat");
  std::string line;
  bool cpu = false;
  while (std::getline(stat, line)) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "cpu") {
      // user nice system idle iowait irq softirq steal; guests are within user.
      int64_t field = 0, busy = 0;
      for (int i = 0; i < 8 && words >> field; ++i) busy += i == 3 || i == 4 ? 0 : field;
      machine.reading.cpu_ns = busy * tick_ns;
      cpu = true;
    } else if (name == "btime") {
      int64_t seconds = 0;
      words >> seconds;
      machine.booted_at = {seconds * 1'000'000'000};
    }
  }
  std::map<std::string, int64_t> memory;
  std::ifstream meminfo("/proc/meminfo");
  while (std::getline(meminfo, line)) {
    std::istringstream words(line);
    std::string name;
    int64_t kib = 0;
    if (words >> name >> kib) memory[name] = kib * 1024;
  }
  if (!cpu || memory["MemTotal:"] == 0) return Error{Code::unavailable, "/proc cannot be read"};
  machine.memory_capacity_bytes = memory["MemTotal:"];
  machine.memory_available_bytes = memory["MemAvailable:"];
  machine.reading.memory_bytes = memory["MemTotal:"] - memory["MemFree:"];
  machine.reading.working_set_bytes = memory["MemTotal:"] - memory["MemAvailable:"];
  machine.reading.rss_bytes = memory["AnonPages:"];
  return machine;
}

StatsSampler::StatsSampler(Loop& loop, ContainerStatsSource& source, Duration every)
    : loop_(loop), source_(source), every_(every), timer_(loop, [this] { sample(); }) {
  timer_.arm(Duration::zero());
}

void StatsSampler::sample() {
  // The first rate of the machine comes soon.
  timer_.arm(machine_.now.reading.at == WallTime() ? std::min<Duration>(every_, 1s) : every_);
  if (const Result<MachineReading> read = read_machine(loop_.wall_now())) {
    const bool first = machine_.now.reading.at.unix_ns == 0;
    machine_ = {*read, first ? -1 : rate(machine_.now.reading, read->reading)};
  } else {
    ++failures_;
  }
  source_.container_stats(
      [this, weak = std::weak_ptr<int>(here_)](Result<std::vector<ContainerReading>> read) {
        if (weak.expired()) return;
        failing_ = !read.ok();
        if (read) return take(std::move(*read));
        ++failures_;
        // What was measured then says nothing about now.
        containers_.clear();
      });
}

void StatsSampler::take(std::vector<ContainerReading> readings) {
  std::ranges::sort(readings, [](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  std::vector<Measured> measured;
  auto before = containers_.begin();
  for (ContainerReading& reading : readings) {
    while (before != containers_.end() && key_of(before->now) < key_of(reading)) ++before;
    const bool known = before != containers_.end() && key_of(before->now) == key_of(reading) &&
                       before->now.id == reading.id;
    int64_t nanocores = -1;
    if (known) {
      nanocores = rate(before->now.reading, reading.reading);
    } else if (reading.started_at != WallTime()) {
      nanocores = rate({.at = reading.started_at}, reading.reading);  // since its start
    }
    // The runtime has not looked again since: the last rate stands.
    if (known && before->now.reading.at == reading.reading.at) nanocores = before->cpu_nanocores;
    measured.push_back({std::move(reading), nanocores});
  }
  containers_ = std::move(measured);
}

}  // namespace keelson::node
