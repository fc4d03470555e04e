// The simulated container runtime of one node, and with it the ground truth: which processes really
// run there. It outlives its agent and dies with the node's power. What a container does (how long its
// image takes to pull, when it begins to serve, whether it exits) is described by ImageBehaviour.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/base/rng.hpp"
#include "sim/engine/process.hpp"

namespace keelson::sim {

class ContainerFiles;
struct Inside;
struct Program;

// How containers of an image behave. Scenarios set it per image; see scenarios/README.md.
struct ImageBehaviour {
  Duration pull = 1s;          // until the image is on a node that does not have it
  Duration start = 300ms;      // from the start call until the process runs
  Duration serves_after = 0s;  // from then until it answers requests and readiness probes
  Duration runs_for = 0s;      // exits by itself after this long; zero: never
  int32_t exit_code = 0;       // of that exit
  Duration drains_for = 500ms; // from SIGTERM until it exits; it serves what is open meanwhile
  bool missing = false;        // the registry does not have it
  Duration crash_mean = 0s;    // crashes (exit code 1) after exponential times; zero: never
};

// What all nodes' runtimes share.
struct RuntimeModel {
  ImageBehaviour fallback;                         // for images not named
  std::map<std::string, ImageBehaviour> images;    // exact reference
  Duration sandbox_min = 80ms, sandbox_max = 250ms;
  Duration call_min = 5ms, call_max = 25ms;        // create, remove, stop sandbox
  // Containers do what their commands say, as far as sim/inside can run them: print, touch files, end.
  // In scenarios it is images alone that say how containers behave.
  bool runs_commands = false;
  // Faults, in millionths of calls.
  uint32_t pull_failure_ppm = 0;
  uint32_t slow_start_ppm = 0;
  Duration slow_start_by = 30s;
  struct Fired {
    uint64_t pull_failures = 0, slow_starts = 0;
  } fired;

  const ImageBehaviour& behaviour(const std::string& image) const {
    const auto it = images.find(image);
    return it == images.end() ? fallback : it->second;
  }
  // Whether it is its command that says when the container ends.
  bool runs_command_of(const api::Container& container) const {
    return runs_commands && container.command_size() + container.args_size() > 0;
  }
};

// Hears of every process that begins or ends on a node: the checks on ground truth, and traffic.
class GroundTruthObserver {
 public:
  virtual void container_started(const std::string& node, const agent::ContainerInfo& container) = 0;
  virtual void container_stopped(const std::string& node, const agent::ContainerInfo& container) = 0;

 protected:
  ~GroundTruthObserver() = default;
};

class SimRuntime final : public agent::ContainerRuntime {
 public:
  // `agent` is the process whose calls are answered; `host` the node's own, which lives as long as it
  // has power. `number` is the node's, for addresses.
  SimRuntime(Engine& engine, Process& host, Process& agent, Rng rng, RuntimeModel& model,
             std::string node, uint32_t number, GroundTruthObserver* observer);

  void list(Done<agent::RuntimeState> done) override;
  void list_images(Done<std::vector<api::ContainerImage>> done) override;
  void pull_image(agent::ImagePull pull, Done<std::string> done) override;
  void remove_image(std::string image, Done<Unit> done) override;
  void run_sandbox(agent::SandboxSpec spec, Done<agent::SandboxInfo> done) override;
  void stop_sandbox(agent::SandboxId id, Done<Unit> done) override;
  void remove_sandbox(agent::SandboxId id, Done<Unit> done) override;
  void create_container(agent::SandboxId sandbox, agent::ContainerSpec spec,
                        Done<agent::ContainerId> done) override;
  void start_container(agent::ContainerId id, Done<Unit> done) override;
  void stop_container(agent::ContainerId id, Duration grace, Done<Unit> done) override;
  void remove_container(agent::ContainerId id, Done<Unit> done) override;
  void probe(agent::ContainerId id, const api::Probe& probe,
             Done<agent::ProbeAnswer> done) override;
  void run_hook(agent::ContainerId id, const api::LifecycleHandler& hook, Done<Unit> done) override;
  void on_hint(Callback<void()> hint) override { hint_ = std::move(hint); }

  // --- The world's side ---------------------------------------------------------------------------
  // Power is lost: every process ends at once, and nobody is told. Files and images survive.
  void power_off();
  // The agent's process ended: it hears no more hints.
  void agent_gone() { hint_.reset(); }
  // Ends one running container, chosen by `rng`. False: none runs.
  bool crash_one(Rng& rng, int32_t exit_code);
  std::size_t running() const;
  // Whether something at this address answers a new connection right now.
  bool serves(const std::string& ip) const;
  const std::vector<agent::SandboxInfo>& sandboxes() const { return sandboxes_; }
  // A container by its id, or a pod's by its name: the latest, or with `before` the one so many starts
  // before it. nullptr: it is not there (any more).
  const agent::ContainerInfo* container(const agent::ContainerId& id) const;
  const agent::ContainerInfo* container_of(const std::string& pod_uid, const std::string& name,
                                           uint32_t before) const;
  // What its process does; nullptr: nothing that is worked out.
  std::shared_ptr<const Program> program(const agent::ContainerId& id) const;
  // What a process in it sees; `pod`: as far as it is not remembered here.
  Inside inside(const agent::ContainerInfo& container, const api::Pod& pod) const;
  // Its files as they are now; nullptr: it is not there.
  std::shared_ptr<ContainerFiles> files(const agent::ContainerId& id);
  // The address of a pod that has a network here.
  std::optional<std::string> address_of(const std::string& pod_uid) const;
  // A running container's process ends, as it does when somebody leaves its shell.
  void end_process(const agent::ContainerId& id, int32_t exit_code);
  void each_running(const std::function<void(const agent::ContainerInfo&)>& visit) const;

 private:
  struct Container {
    agent::ContainerInfo info;
    Instant serves_from{};
    bool stopping = false;
    std::vector<Done<Unit>> stop_waiters;
    uint32_t waiters_life = 0;
    // With commands only, and only for containers that have one, or an environment.
    std::unique_ptr<agent::ContainerSpec> spec;
    std::shared_ptr<const Program> program;
    Instant program_from{};
    std::size_t changes_made = 0;           // of the program, in `files`
    std::shared_ptr<ContainerFiles> files;  // made when somebody looks
  };

  // Runs `then` on this node after `after`, unless it lost power meanwhile.
  void later(Duration after, Callback<void()> then);
  template <class T>
  void answer(Duration after, Done<T> done, Result<T> result);
  Container* find(const agent::ContainerId& id);
  std::string why_it_failed(const api::Probe& probe, const Container* container, bool runs) const;
  void exited(const agent::ContainerId& id, int32_t code, std::string reason);
  void schedule_exit(Container& container, const ImageBehaviour& behaviour);
  void begin_program(Container& container);
  ContainerFiles& files_of(Container& container);
  // What it has begun to fail at HTTP requests with; empty: it has not.
  std::string illness_of(const Container& container, const api::Probe& probe) const;
  // Whether an exec probe can be run for real: what the container does is known.
  bool runs_probe(const Container& container, const api::Probe& probe) const;
  void run_probe(Container& container, const api::Probe& probe, Done<agent::ProbeAnswer> done);
  void hint();
  Duration call_time() { return rng_.between(model_.call_min, model_.call_max); }

  Engine& engine_;
  Process& host_;
  Process& agent_;
  Rng rng_;
  RuntimeModel& model_;
  std::string node_;
  uint32_t number_;
  GroundTruthObserver* observer_;
  Callback<void()> hint_;
  uint32_t next_id_ = 1;
  uint32_t next_address_ = 2;
  std::vector<agent::SandboxInfo> sandboxes_;   // in order of creation
  std::vector<std::unique_ptr<Container>> containers_;
  std::vector<std::string> images_;             // pulled, sorted
};

}  // namespace keelson::sim
