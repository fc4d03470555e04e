// One GET on the core loop, on a connection of its own. Threading and lifetime are those of Socket.
#pragma once

#include <string>

#include "core/base/callback.hpp"
#include "core/rest/streams/http_response.hpp"
#include "runtime/node/socket.hpp"

namespace keelson::node {

class Fetch final : private SocketUser {
 public:
  // The body of a 200. Code::unavailable: anything else, an answer of more than `bytes_max`, or
  // none within `patience` (the dial included). Destroying it cancels; it may be destroyed in
  // `done`.
  Fetch(runtime::AsioLoop& loop, Dial dial, std::string target, std::size_t bytes_max,
        Duration patience, Done<std::string> done);

 private:
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_writable() override {}
  void on_end(Status why) override;
  void finish(Result<std::string> result);

  std::string target_, host_, body_;
  std::size_t bytes_max_;
  Done<std::string> done_;
  bool over_ = false;
  rest::ResponseReader answer_{false};
  Timer patience_;
  Socket socket_;
};

}  // namespace keelson::node
