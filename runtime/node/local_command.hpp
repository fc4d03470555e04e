// A command in a container of this node, or a connection to its own process: the client's end of
// the container runtime's streaming server, SPDY/3.1 with the protocol v4.channel.k8s.io. (Of the
// protocols that it speaks this is the one with an end of input, which `kubectl exec -i ... < file`
// needs.) Source: Kubernetes' remotecommand protocol, v4.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/container_streams.hpp"
#include "core/rest/streams/spdy.hpp"
#include "runtime/node/streaming_runtime.hpp"
#include "runtime/node/upgrade.hpp"

namespace keelson::node {

// How a v4 error stream says that it ended.
Result<int32_t> read_command_status(std::string_view json);

class LocalCommand final : public agent::CommandSession,
                           private SocketUser,
                           private rest::spdy::FrameSink {
 public:
  LocalCommand(runtime::AsioLoop& loop, StreamingRuntime& runtime, agent::ContainerRef container,
               agent::CommandOptions options, bool attach, agent::CommandUser& user);

  void start() override;
  void write(std::string data) override;
  void end_input() override;
  bool blocked() const override;
  void resize(uint16_t columns, uint16_t rows) override;
  void pause(bool paused) override;

 private:
  enum Role : uint8_t { status, input, output, errors, size, roles };
  // What goes over one stream, kept until it can be handed on.
  struct Said {
    Role role = roles;
    std::string data;
    bool end = false;
  };

  void find(const agent::RuntimeState& state);
  void found_url(std::string url);
  void finish(Result<int32_t> code);
  void ended();
  std::optional<Role> role_of(uint32_t stream) const;
  void say(Role role, std::string data, bool end);
  void hear(uint32_t stream, std::string_view data, bool end);

  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_writable() override { user_.on_writable(); }
  void on_end(Status why) override;

  void on_syn_stream(uint32_t stream, rest::spdy::Headers headers, bool fin) override;
  void on_syn_reply(uint32_t, rest::spdy::Headers, bool) override {}
  void on_headers(uint32_t, rest::spdy::Headers, bool) override {}
  void on_data(uint32_t stream, std::string_view part) override { hear(stream, part, false); }
  void on_fin(uint32_t stream) override { hear(stream, {}, true); }
  void on_rst_stream(uint32_t stream, uint32_t) override { hear(stream, {}, true); }
  void on_ping(uint32_t id) override;
  void on_goaway(uint32_t) override {}

  runtime::AsioLoop& loop_;
  StreamingRuntime& runtime_;
  agent::ContainerRef container_;
  agent::CommandOptions options_;
  const bool attach_;
  agent::CommandUser& user_;
  agent::ContainerId id_;
  std::string url_;
  rest::spdy::Decoder decoder_;
  rest::spdy::Encoder encoder_;
  std::array<uint32_t, roles> streams_{};  // 0: none
  std::vector<Said> said_;                 // to be sent when the connection is there
  std::size_t waiting_bytes_ = 0;
  std::vector<Said> heard_;  // handed on when the bytes at hand have been read
  std::string status_text_;
  bool connected_ = false, paused_ = false, over_ = false, input_ended_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer failing_;
  std::unique_ptr<UpgradedSocket> socket_;
};

}  // namespace keelson::node
