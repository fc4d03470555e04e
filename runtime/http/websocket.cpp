#include "runtime/http/websocket.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "core/base/assert.hpp"

namespace keelson::http {
namespace {

constexpr uint64_t kControlBytesMax = 125;

bool is_control(WsOp op) { return static_cast<uint8_t>(op) >= 8; }

bool known(uint8_t op) { return op <= 2 || (op >= 8 && op <= 10); }

void append_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const int made = EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  KEELSON_ASSERT(made == 1 && size == 20);
  unsigned char encoded[32];
  const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(size));
  return {reinterpret_cast<char*>(encoded), static_cast<std::size_t>(length)};
}

bool websocket_key_valid(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.end() - 2, [](unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '/';
  });
}

std::string websocket_frame(WsOp op, std::string_view payload, Rng* mask) {
  std::string out;
  out.reserve(payload.size() + 14);
  out += static_cast<char>(0x80 | static_cast<uint8_t>(op));
  const uint8_t mask_bit = mask ? 0x80 : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(mask_bit | 126);
    append_big_endian(out, payload.size(), 2);
  } else {
    out += static_cast<char>(mask_bit | 127);
    append_big_endian(out, payload.size(), 8);
  }
  if (!mask) return out.append(payload);
  std::string key;
  append_big_endian(key, mask->next(), 4);
  out += key;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(payload[i] ^ key[i % 4]);
  }
  return out;
}

std::string websocket_close_frame(uint16_t code, Rng* mask) {
  std::string payload;
  append_big_endian(payload, code, 2);
  return websocket_frame(WsOp::close, payload, mask);
}

uint16_t WebSocketReader::put(std::string_view data, WebSocketSink& sink) {
  while (step_ != Step::closed) {
    if (step_ == Step::head) {
      if (const uint16_t error = read_head(data)) return error;
      if (step_ == Step::head) return 0;  // not all of it is here yet
    }
    std::string& into = is_control(op_) ? control_ : message_;
    const std::size_t part =
        static_cast<std::size_t>(std::min<uint64_t>(length_ - taken_, data.size()));
    const std::size_t at = into.size();
    into.append(data.substr(0, part));
    if (masked_) {
      for (std::size_t i = 0; i < part; ++i) {
        into[at + i] = static_cast<char>(into[at + i] ^ key_[(taken_ + i) % 4]);
      }
    }
    taken_ += part;
    data.remove_prefix(part);
    if (taken_ < length_) return 0;
    if (const uint16_t error = end_frame(sink)) return error;
  }
  return 0;
}

uint16_t WebSocketReader::read_head(std::string_view& data) {
  std::size_t needed = 2;
  while (true) {
    if (head_.size() >= 2) {
      const uint8_t length = static_cast<uint8_t>(head_[1]) & 0x7f;
      const bool masked = static_cast<uint8_t>(head_[1]) & 0x80;
      if (masked != masked_) return kWsProtocolError;  // or a key would be waited for in vain
      needed = 2u + (length == 126 ? 2 : length == 127 ? 8 : 0) + (masked_ ? 4 : 0);
    }
    if (head_.size() == needed) return begin_frame();
    if (data.empty()) return 0;
    const std::size_t part = std::min(needed - head_.size(), data.size());
    head_.append(data.substr(0, part));
    data.remove_prefix(part);
  }
}

uint16_t WebSocketReader::begin_frame() {
  const uint8_t first = static_cast<uint8_t>(head_[0]);
  const uint8_t second = static_cast<uint8_t>(head_[1]);
  if ((first & 0x70) != 0 || !known(first & 0x0f)) return kWsProtocolError;
  op_ = static_cast<WsOp>(first & 0x0f);
  last_ = first & 0x80;
  length_ = second & 0x7f;
  if (length_ == 126) length_ = big_endian(std::string_view(head_).substr(2, 2));
  if (length_ == 127) length_ = big_endian(std::string_view(head_).substr(2, 8));
  if (masked_) std::copy(head_.end() - 4, head_.end(), key_);
  head_.clear();
  taken_ = 0;
  step_ = Step::payload;
  if (is_control(op_)) return last_ && length_ <= kControlBytesMax ? 0 : kWsProtocolError;
  // A message begins with its kind and goes on with `more`.
  if ((op_ == WsOp::more) != in_message_) return kWsProtocolError;
  if (length_ > message_bytes_max_ - message_.size()) return kWsTooBig;
  in_message_ = true;
  return 0;
}

uint16_t WebSocketReader::end_frame(WebSocketSink& sink) {
  step_ = Step::head;
  switch (op_) {
    case WsOp::ping: sink.on_ping(std::exchange(control_, {})); return 0;
    case WsOp::pong: control_.clear(); return 0;
    case WsOp::close: {
      if (control_.size() == 1) return kWsProtocolError;
      step_ = Step::closed;
      sink.on_close(control_.empty()
                        ? kWsNormal
                        : static_cast<uint16_t>(big_endian(std::string_view(control_).substr(0, 2))));
      return 0;
    }
    default:
      if (!last_) return 0;
      in_message_ = false;
      sink.on_message(std::exchange(message_, {}));
      return 0;
  }
}

}  // namespace keelson::http
