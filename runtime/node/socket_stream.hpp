// A ByteStream that is one socket. Threading and lifetime: those of the port.
#pragma once

#include <memory>

#include "core/agent/container_streams.hpp"
#include "runtime/node/socket.hpp"

namespace keelson::node {

class SocketStream final : public agent::ByteStream, private SocketUser {
 public:
  // When `dial` is an error, the user hears it later.
  SocketStream(runtime::AsioLoop& loop, Result<Dial> dial, agent::ByteStreamUser& user);

  void send(std::string data) override;
  void end() override;
  bool blocked() const override { return socket_ && socket_->blocked(); }
  void pause(bool paused) override;

 private:
  void on_connected() override { user_.on_open(); }
  void on_bytes(std::string_view bytes) override { user_.on_bytes(bytes); }
  void on_writable() override { user_.on_writable(); }
  void on_end(Status why) override { user_.on_end(std::move(why)); }

  agent::ByteStreamUser& user_;
  Timer failing_;
  std::unique_ptr<Socket> socket_;
};

}  // namespace keelson::node
