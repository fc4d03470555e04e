// The truth about a recorded cluster, as far as its record has been shown. Machines and agents of which
// nothing bad is known are well.
#pragma once

#include <map>
#include <set>
#include <string>

#include "sim/checks/ground.hpp"
#include "sim/world/runtime.hpp"

namespace keelson::sim {

class RecordedGround final : public Ground {
 public:
  RecordedGround(Facts facts, controllers::NodeTiming timing) : facts_(facts), timing_(timing) {}

  void at(Instant now) { now_ = now; }
  void machine(const std::string& node, bool powered, bool reachable) {
    machines_[node] = {powered, reachable};
  }
  void started(const std::string& node, const std::string& id, const std::string& pod_uid) {
    running_[node][id] = pod_uid;
  }
  void stopped(const std::string& node, const std::string& id) { running_[node].erase(id); }
  std::map<std::string, std::string>& running_on(const std::string& node) { return running_[node]; }

  Facts facts() const override { return facts_; }
  Instant now() const override { return now_; }
  controllers::NodeTiming node_timing() const override { return timing_; }
  const RuntimeModel& images() const override { return images_; }
  std::vector<std::string> nodes() const override {
    std::vector<std::string> names;
    for (const auto& [name, machine] : machines_) names.push_back(name);
    return names;
  }
  NodeTruth truth_of(const std::string& node) const override {
    return well(node) ? NodeTruth::healthy : NodeTruth::silent;
  }
  bool unreachable(const std::string& node) const override { return !well(node); }
  bool powered(const std::string& node) const override {
    const auto it = machines_.find(node);
    return it == machines_.end() || it->second.powered;
  }
  bool agent_runs(const std::string& node) const override { return powered(node); }
  bool agent_hangs(const std::string&) const override { return false; }
  std::optional<Instant> agent_clock(const std::string&) const override { return std::nullopt; }
  void each_running(const std::function<void(const std::string&)>& visit) const override {
    for (const auto& [node, containers] : running_) {
      for (const auto& [id, pod_uid] : containers) visit(pod_uid);
    }
  }
  bool runs_something(const std::string& node) const override {
    const auto it = running_.find(node);
    return it != running_.end() && !it->second.empty();
  }
  // Journals tell of containers only.
  bool keeps(const std::string&, const std::string&) const override { return false; }

 private:
  struct Machine {
    bool powered = true, reachable = true;
  };
  bool well(const std::string& node) const {
    const auto it = machines_.find(node);
    return it == machines_.end() || (it->second.powered && it->second.reachable);
  }

  Facts facts_;
  controllers::NodeTiming timing_;
  Instant now_{};
  RuntimeModel images_;
  std::map<std::string, Machine> machines_;
  std::map<std::string, std::map<std::string, std::string>> running_;  // node -> id -> pod uid
};

}  // namespace keelson::sim
