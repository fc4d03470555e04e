// What simulated nodes offer through the ContainerStreams port: logs, a small shell, connections. Asks
// the ground truth, through the world's faults: a node without power or behind a cut does not answer,
// one without its agent refuses.
//
// Looking changes nothing in the cluster. What somebody does inside may: a container whose own shell is
// attached to ends when that shell does, and exec probes see what became of the files. They draw no
// random numbers; what they wait for runs on the loop that is passed in. That must be one whose time is
// the world's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/agent/container_runtime.hpp"
#include "core/agent/container_streams.hpp"
#include "core/base/loop.hpp"
#include "core/rest/node_streams.hpp"
#include "sim/world/network.hpp"

namespace keelson::sim {

class Node;
class World;

// Whether a node answers somebody.
enum class Answers : uint8_t { yes, refuses, not_at_all };

class SimContainerStreams final : public agent::ContainerStreams {
 public:
  // `from`: the host that asks.
  SimContainerStreams(World& world, Node& node, Loop& loop, HostId from);
  ~SimContainerStreams() override;

  std::unique_ptr<agent::LogStream> logs(agent::ContainerRef container, agent::LogOptions options,
                                         agent::LogUser& user) override;
  std::unique_ptr<agent::CommandSession> exec(agent::ContainerRef container,
                                              agent::CommandOptions options,
                                              agent::CommandUser& user) override;
  std::unique_ptr<agent::CommandSession> attach(agent::ContainerRef container,
                                                agent::CommandOptions options,
                                                agent::CommandUser& user) override;
  void find_pod(api::Ref<api::Pod> pod, Done<Unit> done) override;
  std::unique_ptr<agent::ByteStream> connect(api::Ref<api::Pod> pod, uint16_t port,
                                             agent::ByteStreamUser& user) override;
  std::unique_ptr<agent::ByteStream> connect_agent(agent::ByteStreamUser& user) override;

  // --- For the streams ----------------------------------------------------------------------------
  // How long it takes to hear from the node: a moment, or until one gives up.
  static constexpr Duration kRoundTrip = 1ms;
  static constexpr Duration kDialTimeout = 10s;
  Loop& loop() const { return loop_; }
  World& world() const { return world_; }
  Node& node() const { return node_; }
  Answers answers() const;
  Duration time_to_hear() const;
  Error dial_error() const;
  // By the node's clock.
  WallTime wall_now() const;

 private:
  struct Question;

  World& world_;
  Node& node_;
  Loop& loop_;
  HostId from_;
  uint64_t next_question_ = 1;
  std::map<uint64_t, std::unique_ptr<Question>> questions_;
};

// All nodes of a world, as the API server on host `from` reaches them.
class WorldStreams final : public rest::NodeStreams {
 public:
  WorldStreams(World& world, Loop& loop, HostId from);
  ~WorldStreams();
  Result<agent::ContainerStreams*> of(std::string_view node) override;

 private:
  World& world_;
  Loop& loop_;
  HostId from_;
  std::map<std::string, std::unique_ptr<SimContainerStreams>, std::less<>> nodes_;
};

}  // namespace keelson::sim
