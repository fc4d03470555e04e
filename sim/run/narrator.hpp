// Tells the story of a cluster: turns commits into timeline notes that a person can follow (nodes that
// come and go, deployments that become complete, rollouts that begin and end). Of a simulated cluster or
// of a real one whose changes somebody watches: in either, its owner calls it from one thread at a time.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>

#include "core/base/log.hpp"
#include "core/store/store.hpp"

namespace keelson::sim {

class Narrator {
 public:
  using Tell = std::function<void(Level level, std::string source, std::string text)>;
  // A quiet one tells nothing.
  Narrator(Tell tell, bool quiet) : tell_(std::move(tell)), quiet_(quiet) {}
  void on_commits(std::span<const store::StoreEvent> events);

 private:
  void node(const store::StoreEvent& event);
  void deployment(const store::StoreEvent& event);

  Tell tell_;
  bool quiet_;
  std::map<std::string, std::string> last_;  // what was last said about an object
};

}  // namespace keelson::sim
