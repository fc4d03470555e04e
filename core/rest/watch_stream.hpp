// One watch over HTTP: events in, lines of JSON out (or messages of a WebSocket), until the client
// leaves, the time is over or the server ends it.
#pragma once

#include "core/apiserver/api_server.hpp"
#include "core/rest/answers.hpp"

namespace keelson::rest {

class WatchStream final : public apiserver::PacedSink,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  struct Setting {
    apiserver::ApiServer& server;
    Loop& loop;
    Encoder& encoder;
    const Resource& resource;
    Manner manner;
    IncludeObject include = IncludeObject::metadata;
    Duration timeout;
    std::optional<Upgrade> websocket;  // each event a message of its own; else lines of a body
  };
  // `ended` is called once, from the loop; then the stream may be forgotten.
  WatchStream(Setting setting, ExchangePtr exchange, std::function<void()> ended);
  ~WatchStream();

  void start(api::WatchRequest request);
  // The server goes: the stream ends cleanly, and clients watch again.
  void close() { finish(); }

  void on_events(std::span<const api::WatchEvent> events) override;
  void on_closed() override;
  bool blocked() const override;

 private:
  class Socket;

  std::vector<Bytes> pieces(std::span<const api::WatchEvent> events);
  Bytes line(const api::WatchEvent& event);
  void resume();
  uint32_t form() const;
  std::string text(const api::WatchEvent& event, bool with_columns);
  void finish();
  void end();

  Setting setting_;
  ExchangePtr exchange_;
  std::function<void()> ended_;
  Timer timeout_;
  api::WatchId watch_;
  Pipe* pipe_ = nullptr;      // of a WebSocket that is open
  api::WatchRequest request_;  // until it is
  bool over_ = false;
  bool columns_sent_ = false;
};

}  // namespace keelson::rest
