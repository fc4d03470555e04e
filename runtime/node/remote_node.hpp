// The streams of one node, over the network.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/agent/container_streams.hpp"
#include "runtime/node/node_dialer.hpp"

namespace keelson::node {

class RemoteNode final : public agent::ContainerStreams {
 public:
  // `dialer` must outlive it.
  RemoteNode(runtime::AsioLoop& loop, const NodeDialer& dialer, std::string name);
  ~RemoteNode() override;

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

 private:
  class Question;

  runtime::AsioLoop& loop_;
  const NodeDialer& dialer_;
  std::string name_;
  uint64_t next_question_ = 1;
  std::map<uint64_t, std::unique_ptr<Question>> questions_;
};

}  // namespace keelson::node
