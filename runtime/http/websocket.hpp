// WebSocket frames (RFC 6455), without IO: bytes in, messages out, and the other way round. Server and
// client share it. No extensions; text messages are handed over like binary ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/rng.hpp"

namespace keelson::http {

enum class WsOp : uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr uint16_t kWsNormal = 1000;
inline constexpr uint16_t kWsGoingAway = 1001;
inline constexpr uint16_t kWsProtocolError = 1002;
inline constexpr uint16_t kWsTooBig = 1009;

// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);
// Whether a key is what the RFC asks for: 16 bytes in base64.
bool websocket_key_valid(std::string_view key);

// One unfragmented frame. Clients mask with numbers drawn from `mask`; servers pass null.
std::string websocket_frame(WsOp op, std::string_view payload, Rng* mask);
std::string websocket_close_frame(uint16_t code, Rng* mask);

class WebSocketSink {
 public:
  virtual void on_message(std::string message) = 0;
  virtual void on_ping(std::string payload) = 0;  // to be answered with a pong of the same payload
  virtual void on_close(uint16_t code) = 0;       // to be answered with a close frame

 protected:
  ~WebSocketSink() = default;
};

class WebSocketReader {
 public:
  // Clients must mask and servers must not: `masked` says which this end expects.
  WebSocketReader(bool masked, std::size_t message_bytes_max)
      : masked_(masked), message_bytes_max_(message_bytes_max) {}

  // Takes all of `data`. 0, or the code with which to close the connection: the rest is lost then.
  // After on_close() nothing more is taken.
  uint16_t put(std::string_view data, WebSocketSink& sink);

 private:
  enum class Step : uint8_t { head, payload, closed };
  uint16_t read_head(std::string_view& data);
  uint16_t begin_frame();
  uint16_t end_frame(WebSocketSink& sink);

  const bool masked_;
  const std::size_t message_bytes_max_;
  Step step_ = Step::head;
  std::string head_;  // of the frame at hand, as far as it has come
  WsOp op_ = WsOp::more;
  bool last_ = false;
  uint64_t length_ = 0;  // of the payload at hand
  uint64_t taken_ = 0;
  unsigned char key_[4] = {};
  bool in_message_ = false;  // a fragmented message is being read
  std::string message_;
  std::string control_;
};

}  // namespace keelson::http
