// What this folder asks of the container runtime beside the agent's port: a small interface, so
// that tests can play it. cri_streaming.hpp fulfils it with containerd.
#pragma once

#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/agent/container_streams.hpp"
#include "core/base/callback.hpp"

namespace keelson::node {

class StreamingRuntime {
 public:
  virtual void list(Done<agent::RuntimeState> done) = 0;
  // Where the runtime's streaming server waits for the command, or for a connection to the
  // container's own process: "http://127.0.0.1:41234/exec/TOKEN", which speaks SPDY/3.1. Good once,
  // soon.
  virtual void exec_url(agent::ContainerId id, const agent::CommandOptions& options,
                        Done<std::string> done) = 0;
  virtual void attach_url(agent::ContainerId id, const agent::CommandOptions& options,
                          Done<std::string> done) = 0;
  // The file of a sandbox's network namespace; empty: it is the host's.
  virtual void network_namespace(agent::SandboxId id, Done<std::string> done) = 0;

 protected:
  ~StreamingRuntime() = default;
};

}  // namespace keelson::node
