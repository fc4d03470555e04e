// The NodeStats port on a real host: /proc/meminfo, statvfs, and what the container runtime says of its
// containers.
//
//   host::HostStats stats(loop, {.disk = config.state_dir}, host::usage_of(containers));  // cri_usage.hpp
//   options.stats = &stats;      // AgentOptions
//
// Threading: the thread of the loop. The files are in memory and local.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/agent/node_stats.hpp"
#include "core/base/loop.hpp"

namespace keelson::host {

struct HostStatsOptions {
  std::string disk = "/var/lib/keelson";  // where pods' volumes are
  std::string root;                       // stands before /proc: for tests
};

// What containers use. A failure leaves them out: pods are then ranked by what is known without it.
using UsageSource = std::function<void(Done<agent::PodUsages> done)>;

class HostStats final : public agent::NodeStats {
 public:
  // `containers` may be null. It must not answer after this is gone, or after the loop.
  HostStats(Loop& loop, HostStatsOptions options, UsageSource containers);

  void measure(std::string image_path, Done<agent::NodeMeasurement> done) override;

 private:
  Result<agent::NodeMeasurement> read(const std::string& image_path) const;

  Loop& loop_;
  HostStatsOptions options_;
  UsageSource containers_;
};

}  // namespace keelson::host
