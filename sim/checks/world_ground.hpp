// The truth about the simulated world: everything.
#pragma once

#include "sim/checks/ground.hpp"

namespace keelson::sim {

class World;

class WorldGround final : public Ground {
 public:
  // `world` must outlive this.
  explicit WorldGround(const World& world) : world_(world) {}

  Facts facts() const override { return fact::all; }
  Instant now() const override;
  controllers::NodeTiming node_timing() const override;
  const RuntimeModel& images() const override;
  std::vector<std::string> nodes() const override;
  NodeTruth truth_of(const std::string& node) const override;
  bool unreachable(const std::string& node) const override;
  bool powered(const std::string& node) const override;
  bool agent_runs(const std::string& node) const override;
  bool agent_hangs(const std::string& node) const override;
  std::optional<Instant> agent_clock(const std::string& node) const override;
  void each_running(const std::function<void(const std::string& pod_uid)>& visit) const override;
  bool runs_something(const std::string& node) const override;
  bool keeps(const std::string& node, const std::string& pod_uid) const override;
  void each_scheduler(const std::function<void(const std::string& owner, const scheduler::Scheduler&)>&
                          visit) const override;
  void each_controller_cache(
      const std::function<void(const std::string& owner, const client::Cache&)>& visit) const override;
  const store::History* store() const override;

 private:
  const World& world_;
};

}  // namespace keelson::sim
