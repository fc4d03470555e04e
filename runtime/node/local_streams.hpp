// The streams of this node's containers: logs from the files that the container runtime writes,
// commands and attachments through the runtime's streaming server, connections from inside the
// pods' networks. Threading: the thread of the loop. Log files are read on it, 64 KiB at a time.
//
//   node::CriStreaming streaming(containers);               // cri_streaming.hpp
//   node::LocalStreams streams(loop, streaming, "/var/log/pods");
//   auto endpoint = node::NodeEndpoint::start(loop, log, options, streams, facts);
#pragma once

#include <memory>
#include <string>

#include "core/agent/container_streams.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/node/streaming_runtime.hpp"

namespace keelson::node {

class LocalStreams final : public agent::ContainerStreams {
 public:
  // `runtime` must outlive it, and it everything that is opened through it. `log_directory`: that
  // of the runtime (CriOptions::log_directory).
  LocalStreams(runtime::AsioLoop& loop, StreamingRuntime& runtime, std::string log_directory);
  ~LocalStreams() override;

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
  // Code::invalid: the endpoint is reached over the network (RemoteStreams), not through this.
  std::unique_ptr<agent::ByteStream> connect_agent(agent::ByteStreamUser& user) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::node
