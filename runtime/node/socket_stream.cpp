#include "runtime/node/socket_stream.hpp"

namespace keelson::node {

SocketStream::SocketStream(runtime::AsioLoop& loop, Result<Dial> dial, agent::ByteStreamUser& user)
    : user_(user) {
  if (dial) {
    SocketUser& self = *this;
    socket_ = std::make_unique<Socket>(loop, std::move(*dial), self);
    return;
  }
  failing_ = Timer(loop, [this, why = dial.error()] { user_.on_end(Status(why)); });
  failing_.arm(Duration::zero());
}

void SocketStream::send(std::string data) {
  if (socket_) socket_->send(data);
}

void SocketStream::end() {
  if (socket_) socket_->end();
}

void SocketStream::pause(bool paused) {
  if (socket_) socket_->pause(paused);
}

}  // namespace keelson::node
