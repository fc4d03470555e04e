#include "core/agent/resources.hpp"

#include <algorithm>

namespace keelson::agent {

Resources::Resources(Context& context, NodeStats& stats, const Workers& workers, NodeStatus& node)
    : workers_(workers),
      garbage_(
          context, stats, [this] { return images_in_use(); }, context.options.image_garbage),
      eviction_(context, stats, garbage_,
                {.candidates = [this] { return candidates(); },
                 .ending = [this] { return ending(); },
                 .evict =
                     [this](const std::string& uid, Verdict verdict) {
                       const auto at = workers_.find(uid);
                       if (at != workers_.end()) at->second->evict(std::move(verdict));
                     },
                 .drop_dead_containers =
                     [this] {
                       for (const auto& [uid, worker] : workers_) worker->drop_dead_containers();
                     },
                 .on_pressure = [&node](NodePressure pressure) { node.set_pressure(pressure); }}) {}

void Resources::start() {
  garbage_.start();
  eviction_.start();
}

std::set<std::string> Resources::images_in_use() const {
  std::set<std::string> out;
  for (const auto& [uid, worker] : workers_) {
    const PodState& state = worker->state();
    for (std::size_t i = 0; state.pod && i < state.containers.size(); ++i) {
      out.insert(spec_of(state, i).image());
    }
  }
  return out;
}

std::vector<EvictionCandidate> Resources::candidates() const {
  std::vector<EvictionCandidate> out;
  for (const auto& [uid, worker] : workers_) {
    const PodState& state = worker->state();
    if (state.pod && !state.held && state.ending == Ending::none) out.push_back({uid, &*state.pod});
  }
  return out;
}

bool Resources::ending() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& entry) {
    const PodState& state = entry.second->state();
    return state.verdict.reason == "Evicted" && processes_alive(state);
  });
}

}  // namespace keelson::agent
