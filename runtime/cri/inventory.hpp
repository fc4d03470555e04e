// What has been learned of the node's sandboxes and containers. CRI's lists leave out addresses,
// exit codes and times; they are asked for once and kept as long as what they belong to is listed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "runtime/cri/paths.hpp"
#include "runtime/cri/wire.hpp"

namespace keelson::cri {

struct KnownContainer {
  agent::ContainerInfo info;
  PodName pod;
  std::string ports;           // kNotePorts
  std::string message_policy;  // kNoteMessagePolicy
  int pid = 0;                 // while it runs; 0: not known
  bool asked = false;          // the rest of `info` is of its present state
  bool lost = false;           // the runtime does not know what became of it
  bool ending = false;         // and has been asked to end it
  uint64_t made = 0;           // sequence() when add() learned of it; 0: from a list
};

struct KnownSandbox {
  agent::SandboxInfo info;
  bool host_network = false;
  bool asked = false;
  uint64_t made = 0;
};

// The number of a running container's first process, from a verbose answer; 0: it does not say.
int pid_of(const wire::ContainerStatusResponse& response);

class Inventory {
 public:
  // Takes over what is listed, and forgets what is not, except what was made after the list was
  // asked for: `asked` is sequence() at that moment.
  void take(const wire::ListPodSandboxResponse& sandboxes,
            const wire::ListContainersResponse& containers, uint64_t asked);
  uint64_t sequence() const { return sequence_; }
  // Of which the lists did not say enough: a status is needed.
  std::vector<std::string> sandboxes_to_ask() const;
  std::vector<std::string> containers_to_ask() const;
  void learn(const wire::PodSandboxStatus& status, const std::string& node_address);
  void learn(const wire::ContainerStatusResponse& status);
  void forget_container(const std::string& id) { containers_.erase(id); }
  void forget_sandbox(const std::string& id) { sandboxes_.erase(id); }

  const std::map<std::string, KnownContainer>& containers() const { return containers_; }
  const std::map<std::string, KnownSandbox>& sandboxes() const { return sandboxes_; }
  KnownContainer* container(const std::string& id);
  const KnownSandbox* sandbox(const std::string& id) const;
  // What was made, without waiting for the next list.
  void add(agent::SandboxInfo info, bool host_network);
  void add(KnownContainer made);

  agent::RuntimeState state() const;

 private:
  std::map<std::string, KnownContainer> containers_;
  std::map<std::string, KnownSandbox> sandboxes_;
  uint64_t sequence_ = 0;
};

}  // namespace keelson::cri
