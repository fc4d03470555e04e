// Port forwarding: connections into a pod, carried as pairs of streams (data and errors) over SPDY/3.1
// (bare, or tunnelled in WebSocket messages) or as channels of a WebSocket.
// Source: Kubernetes' portforward.k8s.io and v4.channel.k8s.io protocols.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/container_streams.hpp"
#include "core/base/loop.hpp"
#include "core/rest/http.hpp"
#include "core/rest/streams/keeper.hpp"
#include "core/rest/streams/spdy_connection.hpp"
#include "core/rest/streams/websocket_command.hpp"

namespace keelson::rest {

inline constexpr const char* kPortForwardProtocol = "portforward.k8s.io";
inline constexpr const char* kPortForwardTunnel = "SPDY/3.1+portforward.k8s.io";

class PortForward : public PipeUser,
                    public std::enable_shared_from_this<PortForward> {
 public:
  // `node` must outlive it.
  PortForward(Keeper& keeper, agent::ContainerStreams& node, api::Ref<api::Pod> pod,
              Upgrade upgrade);
  ~PortForward() override;

  // Asks the node for the pod; then answers the exchange or takes it over.
  void begin(ExchangePtr exchange);

 protected:
  // A connection into the pod, named by the wire.
  void connect(uint32_t id, uint16_t port);
  void to_pod(uint32_t id, std::string_view data);
  void end_to_pod(uint32_t id);
  void disconnect(uint32_t id);
  std::size_t connections() const { return links_.size(); }
  Pipe* pipe() const { return pipe_; }
  void forget_pipe() { pipe_ = nullptr; }

  // --- What a wire does ---------------------------------------------------------------------------
  virtual void opened() = 0;
  virtual void received(std::string_view data) = 0;
  virtual void from_pod(uint32_t id, std::string_view data) = 0;
  // The pod sends no more. Not empty: what went wrong; then the connection is gone.
  virtual void pod_ended(uint32_t id, const std::string& trouble) = 0;
  virtual void lost() {}

 private:
  class Link;
  void on_open(Pipe& pipe) final;
  void on_data(std::string_view data) final;
  void on_writable() final;
  void on_closed() final;
  void link_bytes(uint32_t id, std::string_view data);
  void link_end(uint32_t id, Status why);
  void adjust_reading();

  Keeper& keeper_;
  agent::ContainerStreams& node_;
  api::Ref<api::Pod> pod_;
  Upgrade upgrade_;
  ExchangePtr exchange_;
  Pipe* pipe_ = nullptr;
  bool reading_paused_ = false;
  std::map<uint32_t, std::unique_ptr<Link>> links_;
};

// Pairs of streams; they belong together by their header requestID.
class SpdyPortForward final : public PortForward, private spdy::StreamUser {
 public:
  // `tunnel`: SPDY's bytes are the content of WebSocket messages.
  SpdyPortForward(Keeper& keeper, agent::ContainerStreams& node, api::Ref<api::Pod> pod,
                  bool tunnel);

  static constexpr std::size_t kStreamsMax = 512;

 private:
  struct Pair {
    std::string request;
    uint32_t data = 0, error = 0;
    uint16_t port = 0;
    bool data_ended = false;  // before the pair was complete
    std::string early;        // so was this
  };

  void opened() override { connection_.open(*pipe()); }
  void received(std::string_view data) override { connection_.feed(data); }
  void from_pod(uint32_t id, std::string_view data) override { connection_.send(id, data); }
  void pod_ended(uint32_t id, const std::string& trouble) override;
  void lost() override { connection_.lost(); }

  bool on_stream(uint32_t stream, const spdy::Headers& headers) override;
  void on_stream_data(uint32_t stream, std::string_view part) override;
  void on_stream_end(uint32_t stream, bool broken) override;

  spdy::Connection connection_;
  std::vector<Pair> waiting_;               // for their other half
  std::map<uint32_t, uint32_t> errors_of_;  // data stream -> error stream
};

// The ports stand in the query; channel 2i carries the data of the i-th, 2i+1 its errors.
class WebSocketPortForward final : public PortForward {
 public:
  WebSocketPortForward(Keeper& keeper, agent::ContainerStreams& node, api::Ref<api::Pod> pod,
                       std::vector<uint16_t> ports, ChannelProtocol protocol);

  static constexpr std::size_t kPortsMax = 100;

 private:
  void opened() override;
  void received(std::string_view message) override;
  void from_pod(uint32_t id, std::string_view data) override;
  void pod_ended(uint32_t id, const std::string& trouble) override;

  std::vector<uint16_t> ports_;
  ChannelProtocol protocol_;
  std::size_t open_ = 0;
};

}  // namespace keelson::rest
