// Sends a container's log: as a chunked answer, or as WebSocket messages of bare data.
// Source: Kubernetes' pods/log; binary.k8s.io and base64.binary.k8s.io.
#pragma once

#include <memory>

#include "core/agent/container_streams.hpp"
#include "core/rest/http.hpp"
#include "core/rest/streams/keeper.hpp"

namespace keelson::rest {

class LogSession final : public PipeUser,
                         public std::enable_shared_from_this<LogSession>,
                         private agent::LogUser {
 public:
  // `upgrade`: to a WebSocket, when the client wants one.
  LogSession(Keeper& keeper, std::optional<Upgrade> upgrade);

  void begin(agent::ContainerStreams& node, agent::ContainerRef container,
             agent::LogOptions options, ExchangePtr exchange);

 private:
  // Of the node.
  void on_open() override;
  void on_log(std::string_view text) override;
  void on_log_end(Status why) override;
  // Of the WebSocket.
  void on_open(Pipe& pipe) override;
  void on_data(std::string_view) override {}
  void on_writable() override;
  void on_closed() override;

  Keeper& keeper_;
  std::optional<Upgrade> upgrade_;
  bool base64_ = false;
  ExchangePtr exchange_;
  Pipe* pipe_ = nullptr;
  bool open_ = false;
  bool upgraded_ = false;
  std::unique_ptr<agent::LogStream> log_;
};

}  // namespace keelson::rest
