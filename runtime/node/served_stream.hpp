// The node's end of one stream: reads frames from an upgraded connection, calls the
// ContainerStreams port, and sends back what it says.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/agent/container_streams.hpp"
#include "core/rest/http.hpp"
#include "runtime/node/wire.hpp"

namespace keelson::node {

class ServedStream : public std::enable_shared_from_this<ServedStream> {
 public:
  explicit ServedStream(agent::ContainerStreams& streams) : streams_(&streams) {}
  virtual ~ServedStream() = default;
  static std::shared_ptr<ServedStream> make(StreamKind kind, agent::ContainerStreams& streams);

  // What an Exchange is upgraded to; it owns the stream.
  std::shared_ptr<rest::PipeUser> pipe_user() { return {shared_from_this(), &from_client_}; }
  // The port goes away: nothing of it is used any more, and the connection is closed.
  void abandon();

 protected:
  // Not called after abandon(), nor before the open frame has come, nor a second time.
  virtual void open(OpenRequest request) = 0;
  virtual void take(Frame frame) = 0;  // any but the open frame
  virtual void pause_source(bool paused) = 0;
  virtual void close_source() = 0;  // drops the handle

  agent::ContainerStreams& streams() { return *streams_; }
  void send(FrameType type, std::string_view payload = {});
  void send_data(FrameType type, std::string_view data);
  // The last frame; drops the handle and closes.
  void finish(const Ending& ending);
  void pause_reader(bool paused);

 private:
  struct FromClient final : rest::PipeUser {
    explicit FromClient(ServedStream& stream) : owner(stream) {}
    void on_open(rest::Pipe& pipe) override { owner.pipe_ = &pipe; }
    void on_data(std::string_view data) override { owner.received(data); }
    void on_writable() override { owner.pause_source(false); }
    void on_closed() override {
      owner.pipe_ = nullptr;
      owner.close_source();
    }
    ServedStream& owner;
  };
  void received(std::string_view data);

  FromClient from_client_{*this};
  agent::ContainerStreams* streams_;
  rest::Pipe* pipe_ = nullptr;
  FrameReader reader_;
  bool opened_ = false;
};

}  // namespace keelson::node
