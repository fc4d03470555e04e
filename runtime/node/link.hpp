// The API server's end of one stream to a node: an upgraded connection that speaks in frames.
#pragma once

#include <memory>
#include <string>

#include "runtime/node/node_dialer.hpp"
#include "runtime/node/upgrade.hpp"
#include "runtime/node/wire.hpp"

namespace keelson::node {

class LinkUser {
 public:
  virtual void on_frame(Frame frame) = 0;
  virtual void on_link_writable() = 0;
  // It is gone, and no FrameType::over has come before.
  virtual void on_link_lost(Error why) = 0;

 protected:
  ~LinkUser() = default;
};

class Link final : private SocketUser {
 public:
  // Says `request` first. When the node cannot be dialled at all, the user hears that later.
  Link(runtime::AsioLoop& loop, Result<Dial> dial, StreamKind kind, const OpenRequest& request,
       LinkUser& user);

  void send(FrameType type, std::string_view payload = {});
  void send_data(std::string_view data);
  bool blocked() const {
    return waiting_.size() > Socket::kUnsentBytes || (socket_ && socket_->blocked());
  }
  // Frames wait, too.
  void pause(bool paused);

 private:
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_writable() override { user_.on_link_writable(); }
  void on_end(Status why) override;
  void put(std::string frames);
  void pump();
  void lose(Error why);

  runtime::AsioLoop& loop_;
  LinkUser& user_;
  std::string waiting_;  // frames, until the connection is upgraded; the open one first
  FrameReader reader_;
  bool connected_ = false, paused_ = false, over_ = false;
  std::optional<Error> ended_;  // the connection is, with frames still to be handed on
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer again_;
  std::unique_ptr<UpgradedSocket> socket_;
};

}  // namespace keelson::node
