// Tells the story of a run: turns commits into timeline notes that a person can follow (nodes that
// come and go, deployments that become complete, rollouts that begin and end).
#pragma once

#include <map>
#include <span>
#include <string>

#include "core/store/store.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

class Narrator {
 public:
  Narrator(World& world, bool quiet) : world_(world), quiet_(quiet) {}
  void on_commits(std::span<const store::StoreEvent> events);

 private:
  void node(const store::StoreEvent& event);
  void deployment(const store::StoreEvent& event);

  World& world_;
  bool quiet_;
  std::map<std::string, std::string> last_;  // what was last said about an object
};

}  // namespace keelson::sim
