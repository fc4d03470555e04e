#include "runtime/node/link.hpp"

namespace keelson::node {

Link::Link(runtime::AsioLoop& loop, Result<Dial> dial, StreamKind kind, const OpenRequest& request,
           LinkUser& user)
    : loop_(loop), user_(user), again_(loop, [this] { pump(); }) {
  if (!dial) {
    ended_ = Error{Code::unavailable, dial.error().message};
    again_.arm(Duration::zero());
    return;
  }
  waiting_ = frame(FrameType::open, encode_open(request));
  UpgradeRequest upgrade;
  upgrade.target = std::string(kStreamPath) + std::string(to_string(kind));
  upgrade.host = host_port(dial->address, dial->port);
  upgrade.protocol = kStreamProtocol;
  SocketUser& self = *this;
  socket_ = std::make_unique<UpgradedSocket>(loop_, std::move(*dial), std::move(upgrade), self);
}

void Link::send(FrameType type, std::string_view payload) {
  put(frame(type, payload));
}

void Link::send_data(std::string_view data) {
  put(data_frames(FrameType::data, data));
}

void Link::put(std::string frames) {
  if (!socket_ || over_) return;
  if (connected_) return socket_->send(frames);
  waiting_ += frames;
}

void Link::pause(bool paused) {
  paused_ = paused;
  if (socket_) socket_->pause(paused);
  if (!paused) again_.arm(Duration::zero());
}

void Link::on_connected() {
  connected_ = true;
  socket_->send(std::exchange(waiting_, {}));
}

void Link::on_bytes(std::string_view bytes) {
  reader_.put(bytes);
  pump();
}

void Link::on_end(Status why) {
  ended_ = why.ok() ? Error{Code::unavailable, "the node has hung up"} : why.error();
  pump();
}

void Link::pump() {
  const std::weak_ptr<int> here = here_;
  while (!paused_ && !over_) {
    Result<std::optional<Frame>> next = reader_.next();
    if (!next)
      return lose({Code::unavailable, "the node's answer cannot be read: " + next.error().message});
    if (!*next) break;
    if ((*next)->type == FrameType::over) over_ = true;
    user_.on_frame(std::move(**next));
    if (here.expired()) return;
  }
  if (ended_ && !paused_) lose(*ended_);
}

void Link::lose(Error why) {
  if (std::exchange(over_, true)) return;
  // Whatever a node or a proxy before it answers, nothing was opened.
  if (why.code != Code::denied) why.code = Code::unavailable;
  user_.on_link_lost(std::move(why));
}

}  // namespace keelson::node
