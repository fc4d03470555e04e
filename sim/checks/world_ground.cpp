#include "sim/checks/world_ground.hpp"

#include <algorithm>

#include "sim/world/world.hpp"

namespace keelson::sim {

Instant WorldGround::now() const { return world_.now(); }
controllers::NodeTiming WorldGround::node_timing() const { return world_.node_timing(); }
const RuntimeModel& WorldGround::images() const { return world_.options().runtime; }

std::vector<std::string> WorldGround::nodes() const {
  std::vector<std::string> names;
  for (const auto& node : world_.nodes()) names.push_back(node->name());
  return names;
}

NodeTruth WorldGround::truth_of(const std::string& name) const {
  Node* node = world_.node(name);
  if (node == nullptr) return NodeTruth::absent;
  if (!node->powered() || !node->agent_running() || node->agent_process().paused()) {
    return NodeTruth::silent;
  }
  bool sends = false, both = false;
  for (const HostId host : world_.api_hosts()) {
    const bool out = !world_.network().cut(node->host(), host);
    sends |= out;
    both |= out && !world_.network().cut(host, node->host());
  }
  return both ? NodeTruth::healthy : sends ? NodeTruth::impaired : NodeTruth::silent;
}

bool WorldGround::unreachable(const std::string& name) const {
  const Node* node = world_.node(name);
  if (node == nullptr || !node->powered()) return true;
  if (!world_.network().any_cut()) return false;
  // Cuts are between groups of hosts: a sample of the others shows them.
  constexpr std::size_t kSample = 64;
  const auto& nodes = world_.nodes();
  const std::size_t step = std::max<std::size_t>(1, nodes.size() / kSample);
  int cut_from = 0;
  for (std::size_t i = 0; i < nodes.size(); i += step) {
    const HostId other = nodes[i]->host();
    if (other == node->host()) continue;
    if (world_.network().cut(node->host(), other) || world_.network().cut(other, node->host())) {
      if (++cut_from >= 2) return true;
    }
  }
  return false;
}

bool WorldGround::powered(const std::string& name) const {
  const Node* node = world_.node(name);
  return node != nullptr && node->powered();
}

bool WorldGround::agent_runs(const std::string& name) const {
  const Node* node = world_.node(name);
  return node != nullptr && node->agent_running();
}

bool WorldGround::agent_hangs(const std::string& name) const {
  Node* node = world_.node(name);
  return node != nullptr && node->agent_process().paused();
}

std::optional<Instant> WorldGround::agent_clock(const std::string& name) const {
  Node* node = world_.node(name);
  if (node == nullptr) return std::nullopt;
  return node->agent_process().now();
}

void WorldGround::each_running(const std::function<void(const std::string& pod_uid)>& visit) const {
  for (const auto& node : world_.nodes()) {
    if (!node->powered()) continue;
    node->runtime().each_running([&](const agent::ContainerInfo& info) { visit(info.pod_uid); });
  }
}

bool WorldGround::runs_something(const std::string& name) const {
  Node* node = world_.node(name);
  return node != nullptr && node->runtime().running() > 0;
}

bool WorldGround::keeps(const std::string& name, const std::string& pod_uid) const {
  Node* node = world_.node(name);
  if (node == nullptr || !node->powered()) return false;
  for (const auto& sandbox : node->runtime().sandboxes()) {
    if (sandbox.pod_uid == pod_uid) return true;
  }
  return false;
}

void WorldGround::each_scheduler(
    const std::function<void(const std::string& owner, const scheduler::Scheduler&)>& visit) const {
  world_.each_scheduler(visit);
}

void WorldGround::each_controller_cache(
    const std::function<void(const std::string& owner, const client::Cache&)>& visit) const {
  world_.each_controller_cache(visit);
}

const store::History* WorldGround::store() const { return &world_.store().history(); }

}  // namespace keelson::sim
