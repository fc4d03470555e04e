#include "tools/cli/real/clients.hpp"

#include <algorithm>

namespace keelson::real {

Clients::Clients(const hosts::Hosts& hosts, const sim::Scenario& scenario,
                 const std::vector<Place>& places) {
  for (const sim::TrafficSpec& spec : scenario.traffic) {
    for (const Place& place : places) {
      Client& client = clients_.emplace_back();
      client.spec = &spec;
      client.node = place.node;
      client.network = hosts.network(place.host);
    }
  }
}

void Clients::look(const std::map<std::string, std::string>& services) {
  for (Client& client : clients_) {
    if (client.load || !client.powered) continue;
    const auto service = services.find(client.spec->ns + "/" + client.spec->service);
    if (service == services.end()) continue;
    client.load = std::make_unique<hosts::Load>(
        client.network,
        std::vector<std::string>{"http://" + service->second + ":" + std::to_string(client.spec->port)},
        std::chrono::seconds(2), std::chrono::duration_cast<std::chrono::milliseconds>(client.spec->every));
  }
}

void Clients::powered(const std::string& node, bool on, std::chrono::steady_clock::time_point at) {
  for (Client& client : clients_) {
    if (client.node != node) continue;
    client.powered = on;
    if (!on) end(client, at);
  }
}

void Clients::end(Client& client, std::chrono::steady_clock::time_point at) {
  if (!client.load) return;
  const hosts::Load::Tally tally = client.load->stop();
  client.load.reset();
  const std::string service = client.spec->ns + "/" + client.spec->service;
  sent_ += tally.good;
  const bool was_up = up_[service];
  up_[service] = was_up || tally.good > 0;
  for (const auto& failure : tally.failures) {
    if (failure.at >= at) continue;
    if (!was_up && (tally.good == 0 || failure.at < tally.first_good)) continue;
    ++sent_;
    ++lost_;
  }
}

void Clients::stop() {
  const auto now = std::chrono::steady_clock::now();
  for (Client& client : clients_) end(client, now);
}

}  // namespace keelson::real
