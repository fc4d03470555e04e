// One node: the agent with its container runtime, volumes and streams, the service proxy, network
// policies, DNS and routes. Everything of core runs on the loop's thread.
#pragma once

#include <memory>

#include "core/base/log.hpp"
#include "core/base/result.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/process/config.hpp"

namespace keelson::runtime {

class Node {
 public:
  // Code::invalid: the configuration or a file that it names. What the host or the network lack later is
  // in the log, and in the Node's conditions.
  static Result<std::unique_ptr<Node>> start(AsioLoop& loop, Log& log, const NodeConfig& config);
  // Containers go on running, and service rules stay in force.
  ~Node();

 private:
  struct Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::runtime
