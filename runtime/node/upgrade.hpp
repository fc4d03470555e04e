// The client's end of an HTTP/1.1 upgrade, on the core loop: dials, asks, and is a stream of bytes
// once the server has said 101. Threading and lifetime are those of Socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/rest/http.hpp"
#include "core/rest/streams/http_response.hpp"
#include "runtime/node/socket.hpp"

namespace keelson::node {

struct UpgradeRequest {
  std::string target;    // "/exec/TOKEN"
  std::string host;      // the Host header
  std::string protocol;  // the Upgrade header
  std::vector<rest::Header> headers;
  Duration patience = 30s;  // from the dial to the 101
};

// SocketUser::on_connected() means the 101. A refusal is on_end() with the server's words:
// Code::denied for 401 and 403, not_found for 404, invalid for other 4xx, else unavailable.
class UpgradedSocket final : private SocketUser {
 public:
  UpgradedSocket(runtime::AsioLoop& loop, Dial dial, UpgradeRequest request, SocketUser& user);

  void send(std::string_view bytes) { socket_.send(bytes); }
  void end() { socket_.end(); }
  bool blocked() const { return socket_.blocked(); }
  void pause(bool paused) { socket_.pause(paused); }

 private:
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_writable() override { user_.on_writable(); }
  void on_end(Status why) override;
  void read_head(std::string_view bytes);
  void refused(std::string_view bytes);
  void give_up(Error why);

  SocketUser& user_;
  UpgradeRequest request_;
  enum class State : uint8_t { asking, open, refused, over } state_ = State::asking;
  std::string head_;  // of the answer, as far as it has come
  rest::ResponseReader answer_{false};
  std::string body_;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer patience_;
  Socket socket_;
};

}  // namespace keelson::node
