#include "runtime/node/run_watch.hpp"

#include <algorithm>
#include <vector>

namespace keelson::node {

RunWatch::RunWatch(Loop& loop, StreamingRuntime& runtime)
    : runtime_(runtime), timer_(loop, [this] { look(); }) {}

RunWatch::Id RunWatch::add(agent::ContainerId container, Callback<void()> ended) {
  const Id id = next_++;
  waiting_[id] = {std::move(container), std::move(ended)};
  timer_.arm_by(kEvery);
  return id;
}

void RunWatch::look() {
  if (waiting_.empty()) return;
  runtime_.list([this, weak = std::weak_ptr<int>(here_)](Result<agent::RuntimeState> state) {
    if (weak.expired()) return;
    // A runtime that does not answer says nothing about what it runs.
    if (state) take(*state);
    if (!weak.expired() && !waiting_.empty()) timer_.arm_by(kEvery);
  });
}

void RunWatch::take(const agent::RuntimeState& state) {
  std::vector<Id> ended;
  for (const auto& [id, waiting] : waiting_) {
    const auto found =
        std::ranges::find(state.containers, waiting.container, &agent::ContainerInfo::id);
    if (found == state.containers.end() || found->state == agent::ContainerState::exited) {
      ended.push_back(id);
    }
  }
  const std::weak_ptr<int> here = here_;
  for (const Id id : ended) {
    if (here.expired()) return;
    auto found = waiting_.extract(id);
    if (found) found.mapped().ended();
  }
}

}  // namespace keelson::node
