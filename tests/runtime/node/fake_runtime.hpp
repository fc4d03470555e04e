// A container runtime that says what the test wants.
#pragma once

#include "core/base/loop.hpp"
#include "runtime/node/streaming_runtime.hpp"

namespace keelson::node::test {

class FakeRuntime final : public StreamingRuntime {
 public:
  explicit FakeRuntime(Loop& loop) : loop_(loop) {}

  void list(Done<agent::RuntimeState> done) override {
    ++lists;
    loop_.post([this, done = std::move(done)]() mutable { done(state); });
  }
  void exec_url(agent::ContainerId, const agent::CommandOptions&, Done<std::string> done) override {
    loop_.post([this, done = std::move(done)]() mutable { done(url); });
  }
  void attach_url(agent::ContainerId, const agent::CommandOptions&,
                  Done<std::string> done) override {
    loop_.post([this, done = std::move(done)]() mutable { done(url); });
  }
  void network_namespace(agent::SandboxId, Done<std::string> done) override {
    loop_.post([this, done = std::move(done)]() mutable { done(space); });
  }

  agent::ContainerInfo& add_container(const std::string& uid, const std::string& name,
                                      uint32_t attempt, agent::ContainerState now) {
    agent::ContainerInfo info;
    info.id = uid + name + std::to_string(attempt);
    info.pod_uid = uid;
    info.name = name;
    info.attempt = attempt;
    info.state = now;
    state.containers.push_back(info);
    return state.containers.back();
  }

  agent::RuntimeState state;
  std::string url, space;
  int lists = 0;

 private:
  Loop& loop_;
};

}  // namespace keelson::node::test
