// Simulated clients: from every node that has service rules, requests to services, through those rules
// and to whatever really runs at the address they lead to. A request is lost if the rules know no
// endpoint, if the way is cut, or if nothing serves at the other end; why is counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/checks/suite.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

struct TrafficCount {
  uint64_t sent = 0, lost = 0;
};

class Traffic {
 public:
  Traffic(World& world, CheckSuite& checks, const std::vector<TrafficSpec>& specs)
      : world_(world), checks_(checks), specs_(specs) {}

  void start();
  void stop() { stopped_ = true; }

  TrafficCount total() const { return total_; }
  const std::map<std::string, TrafficCount>& services() const { return services_; }  // "ns/name"
  const std::map<std::string, uint64_t>& losses() const { return losses_; }          // why -> count

 private:
  struct Client {
    Node* node;
    const TrafficSpec* spec;
    Rng rng;
  };
  void tick(std::size_t client);
  void request(Client& client, const api::Service& service);

  World& world_;
  CheckSuite& checks_;
  const std::vector<TrafficSpec>& specs_;
  std::vector<Client> clients_;
  std::map<std::string, TrafficCount> services_;
  std::map<std::string, uint64_t> losses_;
  // Services that have answered at least once: only they can lose a request.
  std::map<std::string, bool> up_;
  TrafficCount total_;
  bool stopped_ = false;
};

}  // namespace keelson::sim
