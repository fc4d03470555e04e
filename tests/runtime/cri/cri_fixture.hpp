// Tests of the containerd runtime against a real containerd, one for the whole program: pods
// written as YAML, made and started through the port as the agent would.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/agent/container_runtime.hpp"
#include "core/agent/environment.hpp"
#include "core/api/json.hpp"
#include "tests/runtime/cri/containerd_fixture.hpp"
#include "tests/runtime/cri/cri_loop.hpp"

namespace keelson::test {

inline std::shared_ptr<const api::Pod> pod_of(const std::string& yaml) {
  static int count = 0;
  auto decoded = api::decode_yaml(yaml, "test");
  if (!decoded.ok()) {
    ADD_FAILURE() << decoded.error().message;
    return std::make_shared<api::Pod>();
  }
  auto pod = std::make_shared<api::Pod>(decoded->front().object->as<api::Pod>());
  if (pod->metadata().uid().empty()) {
    pod->mutable_metadata()->set_uid("uid-" + pod->metadata().name() + std::to_string(++count));
  }
  if (pod->metadata().namespace_().empty()) pod->mutable_metadata()->set_namespace_("default");
  for (api::Container& container : *pod->mutable_spec()->mutable_containers()) {
    if (container.termination_message_path().empty()) {
      container.set_termination_message_path("/dev/termination-log");
    }
  }
  return pod;
}

// A pod of one busybox container; `more` is YAML of the container, indented by four.
inline std::shared_ptr<const api::Pod> shell_pod(const std::string& name, const std::string& script,
                                                 const std::string& more = {},
                                                 const std::string& spec = {}) {
  return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
                "}\nspec:\n  terminationGracePeriodSeconds: 1\n" + spec +
                "  containers:\n  - name: main\n    image: " + kBusybox +
                "\n    command: [sh, -c]\n    args:\n    - |\n      " + script + "\n" + more);
}

class CriTest : public testing::Test {
 protected:
  static Containerd& containerd() {
    static Containerd one({.own_network = true});
    return one;
  }
  static void SetUpTestSuite() {}

  void SetUp() override {
    KEELSON_NEEDS_CONTAINERD(containerd());
    node_ = "node-" + std::to_string(::getpid()) + "-" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    loop.use(options());
  }
  void TearDown() override {
    if (!containerd().usable()) return;
    for (const std::string& sandbox : sandboxes_) {
      (void)stop_sandbox(sandbox);
      (void)remove_sandbox(sandbox);
    }
  }
  cri::CriOptions options() {
    cri::CriOptions out = containerd().options(node_);
    adjust(out);
    return out;
  }
  virtual void adjust(cri::CriOptions&) {}

  Result<agent::SandboxInfo> run_sandbox(std::shared_ptr<const api::Pod> pod,
                                         uint32_t attempt = 0) {
    const auto& meta = pod->metadata();
    agent::SandboxSpec spec{meta.uid(), meta.namespace_(),          meta.name(),
                            attempt,    pod->spec().host_network(), pod};
    auto made = loop.wait<agent::SandboxInfo>(
        [&](auto done) { loop.runtime->run_sandbox(spec, std::move(done)); });
    if (made.ok()) sandboxes_.push_back(made->id);
    return made;
  }
  // The pod's first container. The environment and command line are the agent's work.
  agent::ContainerSpec spec_of(const std::shared_ptr<const api::Pod>& pod, uint32_t attempt = 0) {
    const api::Container& container = pod->spec().containers(0);
    agent::ContainerSpec spec{.pod_uid = pod->metadata().uid(),
                              .name = container.name(),
                              .attempt = attempt,
                              .image = container.image(),
                              .container = std::make_shared<api::Container>(container),
                              .pod = pod};
    auto launch = agent::launch_of(*pod, container, {}, {});
    if (launch.ok()) {
      spec.environment = launch->environment;
      spec.command = launch->command;
      spec.args = launch->args;
    }
    return spec;
  }
  Result<std::string> create(const std::string& sandbox, const agent::ContainerSpec& spec) {
    return loop.wait<std::string>(
        [&](auto done) { loop.runtime->create_container(sandbox, spec, std::move(done)); });
  }
  Result<Unit> start(const std::string& id) {
    return loop.wait<Unit>([&](auto done) { loop.runtime->start_container(id, std::move(done)); });
  }
  Result<Unit> stop(const std::string& id, Duration grace) {
    return loop.wait<Unit>(
        [&](auto done) { loop.runtime->stop_container(id, grace, std::move(done)); });
  }
  Result<Unit> remove(const std::string& id) {
    return loop.wait<Unit>([&](auto done) { loop.runtime->remove_container(id, std::move(done)); });
  }
  Result<Unit> stop_sandbox(const std::string& id) {
    return loop.wait<Unit>([&](auto done) { loop.runtime->stop_sandbox(id, std::move(done)); });
  }
  Result<Unit> remove_sandbox(const std::string& id) {
    return loop.wait<Unit>([&](auto done) { loop.runtime->remove_sandbox(id, std::move(done)); });
  }
  Result<agent::RuntimeState> list() {
    return loop.wait<agent::RuntimeState>([&](auto done) { loop.runtime->list(std::move(done)); });
  }
  Result<agent::ProbeAnswer> probe(const std::string& id, const api::Probe& what) {
    return loop.wait<agent::ProbeAnswer>(
        [&](auto done) { loop.runtime->probe(id, what, std::move(done)); });
  }

  // Sandbox and container, started. Empty, with a failure, if that does not work.
  struct Running {
    agent::SandboxInfo sandbox;
    std::string container;
  };
  Running run(const std::shared_ptr<const api::Pod>& pod) {
    auto sandbox = run_sandbox(pod);
    if (!sandbox.ok()) {
      ADD_FAILURE() << sandbox.error().message;
      return {};
    }
    auto container = create(sandbox->id, spec_of(pod));
    if (!container.ok()) {
      ADD_FAILURE() << container.error().message;
      return {};
    }
    auto started = start(*container);
    if (!started.ok()) ADD_FAILURE() << started.error().message;
    return {*sandbox, *container};
  }
  agent::ContainerInfo info(const std::string& id) {
    auto state = list();
    if (state.ok()) {
      for (const agent::ContainerInfo& container : state->containers) {
        if (container.id == id) return container;
      }
    }
    return {};
  }
  // Lists until it has ended; at most half a minute.
  agent::ContainerInfo ended(const std::string& id) {
    agent::ContainerInfo out;
    for (int i = 0; i < 600; ++i) {
      out = info(id);
      if (out.state == agent::ContainerState::exited) return out;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ADD_FAILURE() << "container " << id << " does not end";
    return out;
  }
  std::string log_of(const agent::SandboxInfo& sandbox, const std::string& container = "main",
                     uint32_t attempt = 0);

  // First, so that the threads of the loop are born into containerd's network.
  Containerd& before_ = containerd();
  CriLoop loop;
  std::string node_;
  std::vector<std::string> sandboxes_;
};

// The text of a CRI log, without times and streams.
inline std::string CriTest::log_of(const agent::SandboxInfo& sandbox, const std::string& container,
                                   uint32_t attempt) {
  const std::string path =
      cri::pod_log_directory(containerd().directory() + "/logs",
                             {sandbox.pod_uid, sandbox.pod_ns, sandbox.pod_name}) +
      "/" + cri::container_log_path(container, attempt);
  std::string out;
  FILE* file = ::fopen(path.c_str(), "r");
  if (!file) return out;
  char line[4096];
  while (::fgets(line, sizeof line, file)) {
    const char* at = line;
    for (int word = 0; word < 3 && at; ++word) {
      at = ::strchr(at, ' ');
      if (at) ++at;
    }
    out += at ? at : "";
  }
  ::fclose(file);
  return out;
}

}  // namespace keelson::test
