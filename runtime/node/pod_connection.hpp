// A connection to a port inside a pod's network: to its loopback address, where programs that
// listen there only are found too, else to the pod's own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/agent/container_streams.hpp"
#include "runtime/node/socket.hpp"
#include "runtime/node/streaming_runtime.hpp"

namespace keelson::node {

// An unconnected, non-blocking TCP socket of that network namespace (a file; empty: the caller's
// own). A socket stays in the namespace that it was made in, so only a short-lived thread has to
// enter it. Code::unavailable: it cannot be entered.
Result<int> socket_in_namespace(const std::string& path, bool ipv6);

class PodConnection final : public agent::ByteStream, private SocketUser {
 public:
  PodConnection(runtime::AsioLoop& loop, StreamingRuntime& runtime, api::Ref<api::Pod> pod,
                uint16_t port, agent::ByteStreamUser& user);

  void send(std::string data) override;
  void end() override;
  bool blocked() const override;
  void pause(bool paused) override;

 private:
  void find(const agent::RuntimeState& state);
  void try_next();
  void fail(Error why);
  void on_connected() override;
  void on_bytes(std::string_view bytes) override { user_.on_bytes(bytes); }
  void on_writable() override { user_.on_writable(); }
  void on_end(Status why) override;

  runtime::AsioLoop& loop_;
  StreamingRuntime& runtime_;
  api::Ref<api::Pod> pod_;
  const uint16_t port_;
  agent::ByteStreamUser& user_;
  std::string namespace_;
  std::vector<std::string> addresses_;  // still to be tried, the next one last
  std::string refusals_;
  std::string waiting_;  // sent before there was a connection
  bool ended_ = false, paused_ = false, open_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer next_;
  std::unique_ptr<Socket> socket_;
};

// The pod's sandbox that is up. Null: there is none.
const agent::SandboxInfo* find_sandbox(const agent::RuntimeState& state,
                                       const api::Ref<api::Pod>& pod);
Error pod_not_found(const api::Ref<api::Pod>& pod);

}  // namespace keelson::node
