// The scenario's `traffic` for real: from each node, a request to the service's address every so often.
// As in the simulator, only a service that has answered can lose a request, and a node without power sends
// none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "tools/cli/real/possible.hpp"
#include "tools/hosts/hosts.hpp"
#include "tools/hosts/load.hpp"

namespace keelson::real {

class Clients {
 public:
  Clients(const hosts::Hosts& hosts, const sim::Scenario& scenario, const std::vector<Place>& places);

  // Starts those that have not begun: `services` are addresses by "ns/name", of services with endpoints.
  void look(const std::map<std::string, std::string>& services);
  // The node has had no power since `at`; or it has it again and serves.
  void powered(const std::string& node, bool on, std::chrono::steady_clock::time_point at);
  // All end, within the two seconds that they wait for an answer.
  void stop();

  uint64_t sent() const { return sent_; }
  uint64_t lost() const { return lost_; }

 private:
  struct Client {
    const sim::TrafficSpec* spec;
    std::string node, network;
    std::unique_ptr<hosts::Load> load;
    bool powered = true;
  };
  void end(Client& client, std::chrono::steady_clock::time_point at);

  std::vector<Client> clients_;
  std::map<std::string, bool> up_;  // services that have answered
  uint64_t sent_ = 0, lost_ = 0;
};

}  // namespace keelson::real
