// One exec or attach, whatever its protocol: waits for the node, upgrades the connection, and moves
// data between the client's streams and the command. How streams look on the wire is what derived
// classes know (websocket_command.hpp, spdy_command.hpp).
// Source: Kubernetes' remotecommand protocols, v1 to v5.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/agent/container_streams.hpp"
#include "core/rest/http.hpp"
#include "core/rest/streams/keeper.hpp"

namespace keelson::rest {

// What the client is told at the end: as a Status (from v4 on), or as text, and nothing if all is well.
std::string command_status(const Result<int32_t>& code, const std::vector<std::string>& command);
std::string command_status_text(const Result<int32_t>& code,
                                const std::vector<std::string>& command);

// A terminal's size, {"Width":80,"Height":24}. False: it is none.
bool parse_terminal_size(std::string_view json, uint16_t& columns, uint16_t& rows);

class RemoteCommand : public PipeUser, public std::enable_shared_from_this<RemoteCommand> {
 public:
  struct Call {
    agent::ContainerRef container;
    agent::CommandOptions options;
    bool attach = false;
  };

  RemoteCommand(Keeper& keeper, Call call, Upgrade upgrade);

  // Asks the node; then answers the exchange or takes it over.
  void begin(agent::ContainerStreams& node, ExchangePtr exchange);

 protected:
  const agent::CommandOptions& options() const { return call_.options; }
  Pipe* pipe() const { return pipe_; }

  // --- For the wire -------------------------------------------------------------------------------
  void start_command();  // the client's streams are there
  void input(std::string_view data);
  void end_of_input();
  void resize(uint16_t columns, uint16_t rows);
  void hang_up();  // the client does what it must not, or takes too long

  // --- What a wire does ---------------------------------------------------------------------------
  virtual void opened() = 0;
  virtual void received(std::string_view data) = 0;
  virtual void send_output(agent::Output which, std::string_view data) = 0;
  // The last thing: tells how it ended and closes the pipe.
  virtual void send_end(const Result<int32_t>& code) = 0;
  virtual void lost() {}

 private:
  void on_open(Pipe& pipe) final;
  void on_data(std::string_view data) final;
  void on_writable() final;
  void on_closed() final;

  // The node's side of it.
  struct FromNode final : agent::CommandUser {
    explicit FromNode(RemoteCommand& command) : owner(command) {}
    void on_open() override { owner.node_opened(); }
    void on_output(agent::Output which, std::string_view data) override {
      owner.node_output(which, data);
    }
    void on_writable() override { owner.node_writable(); }
    void on_exit(Result<int32_t> code) override { owner.node_exit(std::move(code)); }
    RemoteCommand& owner;
  };
  void node_opened();
  void node_output(agent::Output which, std::string_view data);
  void node_writable();
  void node_exit(Result<int32_t> code);

  Keeper& keeper_;
  Call call_;
  Upgrade upgrade_;
  FromNode from_node_{*this};
  ExchangePtr exchange_;  // until it is answered or upgraded
  std::unique_ptr<agent::CommandSession> session_;
  Pipe* pipe_ = nullptr;
  bool started_ = false;
};

}  // namespace keelson::rest
