#include "runtime/http/client_websocket.hpp"

#include <openssl/evp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <deque>

#include "runtime/http/request_parser.hpp"
#include "runtime/http/websocket.hpp"
#include "runtime/loop/entropy.hpp"

namespace keelson::http {
namespace {

// The server is ours: its messages are as large as its own write buffers make them.
constexpr std::size_t kMessageBytesMax = 64 * 1024 * 1024;

std::string_view header_in(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !same_name(line.substr(0, colon), name)) continue;
    line.remove_prefix(colon + 1);
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
    return line;
  }
  return {};
}

class ClientSocket final : public WebSocket, private WebSocketSink {
 public:
  ClientSocket(Dialed connection, std::string protocol)
      : connection_(std::move(connection)),
        protocol_(std::move(protocol)),
        rng_(runtime::entropy_seed()) {}

  Status feed(std::string_view data) {
    const uint16_t error = reader_.put(data, *this);
    if (error == 0) return {};
    return {Code::unknown, "the server breaks the WebSocket protocol"};
  }

  const std::string& protocol() const override { return protocol_; }

  Status send(std::string_view message) override {
    if (closed_sent_) return {Code::unavailable, "the connection is closed"};
    return connection_.write(websocket_frame(WsOp::binary, message, &rng_), Duration{0});
  }

  Result<std::optional<std::string>> receive(Duration timeout) override {
    while (true) {
      if (!messages_.empty()) {
        std::optional<std::string> message = std::move(messages_.front());
        messages_.pop_front();
        return message;
      }
      if (closed_) return std::optional<std::string>();
      if (timeout > Duration::zero() && wait(-1, timeout) == Wake::timeout) {
        return Error{Code::unavailable, "no message has come in time"};
      }
      char buffer[16 * 1024];
      auto got = connection_.read(buffer, sizeof buffer, Duration{0});
      if (!got) return got.error();
      if (*got == 0) return Error{Code::unknown, "the connection was lost"};
      if (Status status = feed({buffer, *got}); !status) return status.error();
    }
  }

  Wake wait(int other_fd, Duration timeout) override {
    if (!messages_.empty() || closed_ || connection_.has_buffered()) return Wake::message;
    pollfd waiting[2] = {{connection_.fd(), POLLIN, 0}, {other_fd, POLLIN, 0}};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    const int limit =
        timeout <= Duration::zero() ? -1 : static_cast<int>(std::min<int64_t>(ms, INT_MAX));
    if (::poll(waiting, 2, limit) <= 0) return Wake::timeout;
    return waiting[0].revents != 0 ? Wake::message : Wake::other;
  }

  Status close() override {
    if (std::exchange(closed_sent_, true)) return {};
    return connection_.write(websocket_close_frame(kWsNormal, &rng_), Duration{0});
  }

 private:
  void on_message(std::string message) override { messages_.push_back(std::move(message)); }
  void on_ping(std::string payload) override {
    static_cast<void>(connection_.write(websocket_frame(WsOp::pong, payload, &rng_), Duration{0}));
  }
  void on_close(uint16_t) override {
    closed_ = true;
    static_cast<void>(close());
  }

  Dialed connection_;
  const std::string protocol_;
  Rng rng_;
  WebSocketReader reader_{false, kMessageBytesMax};
  std::deque<std::string> messages_;
  bool closed_ = false;       // by the server
  bool closed_sent_ = false;  // by us
};

}  // namespace

std::string websocket_key() {
  const std::string random = runtime::random_bytes(16);
  unsigned char encoded[32];
  const int size = EVP_EncodeBlock(
      encoded, reinterpret_cast<const unsigned char*>(random.data()), static_cast<int>(random.size()));
  return {reinterpret_cast<char*>(encoded), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<WebSocket>> finish_websocket(Dialed connection, const std::string& head,
                                                    std::string early, const std::string& key,
                                                    const std::vector<std::string>& protocols) {
  if (header_in(head, "Sec-WebSocket-Accept") != websocket_accept(key)) {
    return Error{Code::unknown, "the server's WebSocket handshake is wrong"};
  }
  std::string protocol(header_in(head, "Sec-WebSocket-Protocol"));
  if (!protocol.empty() && std::ranges::find(protocols, protocol) == protocols.end()) {
    return Error{Code::unknown, "the server chose a WebSocket protocol that was not offered"};
  }
  auto socket = std::make_unique<ClientSocket>(std::move(connection), std::move(protocol));
  if (Status status = socket->feed(early); !status) return status.error();
  return std::unique_ptr<WebSocket>(std::move(socket));
}

}  // namespace keelson::http
