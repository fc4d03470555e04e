// A connection after its upgrade: raw bytes, or WebSocket messages.
#include "runtime/http/connection.hpp"
#include "runtime/http/response.hpp"
#include "runtime/http/shard.hpp"

namespace keelson::http {

void Connection::upgrade(const rest::Upgrade& upgrade) {
  if (phase_ != Phase::waiting) return;
  auto& count = shard_.shared().count;
  if (input_ended_) return drop();
  if (!(upgrade.websocket ? lane_->websocket : lane_->upgradable)) {
    ++count.bad_requests;
    return refuse(400, "the request is not a valid upgrade request");
  }
  if (++count.streams > shard_.shared().options.limits.streams) {
    --count.streams;
    ++count.refused_streams;
    return refuse(429, "too many open streams, please try again later");
  }
  counted_stream_ = true;
  running_.status = 101;
  last_received_ = std::chrono::steady_clock::now();
  phase_ = upgrade.websocket ? Phase::websocket : Phase::raw;
  message_op_ = upgrade.text ? WsOp::text : WsOp::binary;
  if (upgrade.websocket) {
    websocket_ = std::make_unique<WebSocketReader>(
        true, shard_.shared().options.limits.websocket_message_bytes);
  }
  to_core([lane = lane_] { lane->opened(); });
  const std::string accept =
      upgrade.websocket ? websocket_accept(running_.websocket_key) : std::string();
  send(switching_head(upgrade, accept, running_.id));
  // What the client has sent ahead of our answer.
  const std::string early = std::exchange(input_, {});
  if (!early.empty()) take(early);
  arm_read();
}

void Connection::deliver(std::string data) {
  if (!lane_ || data.empty()) return;
  lane_->unread += data.size();
  to_core([lane = lane_, data = std::move(data)]() mutable { lane->received(std::move(data)); });
}

void Connection::on_ping(std::string payload) {
  if (phase_ == Phase::websocket) send(websocket_frame(WsOp::pong, payload, nullptr));
}

void Connection::on_close(uint16_t code) { pipe_close(code); }

void Connection::pipe_send(std::string data) {
  const std::size_t size = data.size();
  if (out_.bytes() + size > shard_.shared().options.limits.unsent_bytes_max) {
    ++shard_.shared().count.slow_readers;
    return drop();
  }
  running_.bytes += size;
  if (phase_ == Phase::raw) return send(std::move(data), size);
  if (phase_ == Phase::websocket) send(websocket_frame(message_op_, data, nullptr), size);
}

void Connection::pipe_close(uint16_t code) {
  if (phase_ == Phase::websocket) {
    out_.push(websocket_close_frame(code, nullptr));
  } else if (phase_ != Phase::raw) {
    return;
  }
  close_after_sending();
}

void Connection::pause_reading(bool paused) {
  reading_paused_ = paused;
  if (!paused) resume_reading();
}

void Connection::resume_reading() {
  // Not armed: the socket may be silent while TLS still holds bytes.
  if (!read_armed_ && phase_ != Phase::dead) read_some();
}

void Connection::leave_pipe() {
  write_access_log();
  end_stream_count();
  detach_lane(true);
}

void Connection::check_websocket(Time now) {
  const ServerLimits& limits = shard_.shared().options.limits;
  if (!wants_bytes()) {
    // Its pongs are not read, so nothing can be concluded from their absence.
    last_received_ = now;
    return;
  }
  const auto silent = now - last_received_;
  if (silent > limits.websocket_timeout) {
    ++shard_.shared().count.slow_readers;
    return drop();
  }
  if (silent > limits.websocket_ping && !pinged_) {
    pinged_ = true;
    send(websocket_frame(WsOp::ping, "", nullptr));
  }
}

}  // namespace keelson::http
