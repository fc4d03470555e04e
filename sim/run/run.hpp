// One run of a scenario with one seed, in three phases: faults on; then faults stop and users rest,
// and everything must converge within its bound; then nothing may be written any more. Ends at the
// first broken guarantee.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/checks/suite.hpp"
#include "sim/faults/fault.hpp"
#include "sim/run/metrics.hpp"
#include "sim/run/narrator.hpp"
#include "sim/run/traffic.hpp"
#include "sim/run/user.hpp"
#include "sim/run/workload.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

struct RunOptions {
  uint64_t seed = 1;
  // Ends the run, undecided, when more events than this have been run; 0: no limit.
  uint64_t max_events = 0;
  // Called once per virtual second. What it returns, if anything, ends the run, undecided, and says
  // why (clocks and memory are the caller's).
  std::function<std::string(const class Run&)> progress;
  // Sees all that is written, as it is written, and how long after the start: for those who compare runs.
  std::function<void(std::span<const store::StoreEvent> events, Duration at)> commits;
  // Sees all containers start and stop, likewise.
  std::function<void(const std::string& node, const agent::ContainerInfo&, bool started, Duration at)>
      containers;
};

enum class Verdict : uint8_t { held = 0, violated = 1, undecided = 3 };

class Run final : private GroundTruthObserver {
 public:
  Run(const Scenario& scenario, RunOptions options);
  ~Run();

  Verdict execute();

  const Scenario& scenario() const { return scenario_; }
  uint64_t seed() const { return options_.seed; }
  const World& world() const { return *world_; }
  const CheckSuite& checks() const { return *checks_; }
  const Injector& injector() const { return *injector_; }
  const Metrics& metrics() const { return *metrics_; }
  const Traffic& traffic() const { return *traffic_; }
  const Workload& workload() const { return *workload_; }
  // Everything that happened, folded into one number.
  uint64_t hash() const { return world_->engine_digest(); }
  Verdict verdict() const { return verdict_; }
  Phase phase() const { return checks_->phase(); }
  // Virtual time since the start.
  Duration elapsed() const { return world_->now().time_since_epoch(); }
  Duration planned() const { return scenario_.duration; }
  // When the cluster had settled after the faults; zero: it did not.
  Duration converged_after() const { return converged_after_; }
  const std::vector<Pending>& still_pending() const { return still_pending_; }
  std::string undecided_because() const { return undecided_; }

 private:
  void container_started(const std::string& node, const agent::ContainerInfo& container) override;
  void container_stopped(const std::string& node, const agent::ContainerInfo& container) override;
  // Runs until `end` of virtual time; false: the run is over.
  bool advance(Duration end);
  bool converge();
  void schedule_timeline();
  bool second();
  Verdict phases();

  const Scenario& scenario_;
  RunOptions options_;
  bool over_ = false;
  std::unique_ptr<CheckSuite> checks_;
  std::unique_ptr<World> world_;
  std::unique_ptr<Injector> injector_;
  std::unique_ptr<User> user_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Traffic> traffic_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Narrator> narrator_;
  Duration next_recheck_{};
  Duration converged_after_{};
  std::vector<Pending> still_pending_;
  std::string undecided_;
  Verdict verdict_ = Verdict::held;
};

}  // namespace keelson::sim
