#include "runtime/node/fetch.hpp"

namespace keelson::node {

Fetch::Fetch(runtime::AsioLoop& loop, Dial dial, std::string target, std::size_t bytes_max,
             Duration patience, Done<std::string> done)
    : target_(std::move(target)),
      host_(host_port(dial.address, dial.port)),
      bytes_max_(bytes_max),
      done_(std::move(done)),
      patience_(loop,
                [this] {
                  finish({Code::unavailable, "no answer in time"});
                }),
      socket_(loop, std::move(dial), *this) {
  patience_.arm(patience);
}

void Fetch::on_connected() {
  socket_.send("GET " + target_ + " HTTP/1.1\r\nHost: " + host_ + "\r\nConnection: close\r\n\r\n");
}

void Fetch::on_bytes(std::string_view bytes) {
  if (over_) return;
  if (const Status fed = answer_.feed(bytes, body_); !fed) return finish(fed.error());
  if (body_.size() > bytes_max_) return finish({Code::unavailable, "the answer is too large"});
  if (answer_.done()) finish(std::string());
}

void Fetch::on_end(Status why) {
  if (over_) return;
  if (why.ok()) why = answer_.end();
  if (!why) return finish(why.error());
  finish(std::string());
}

void Fetch::finish(Result<std::string> result) {
  if (std::exchange(over_, true)) return;
  patience_.disarm();
  socket_.pause(true);
  Done<std::string> done = std::move(done_);
  if (result && answer_.status() == 200) return done(std::move(body_));
  if (result)
    result = Error{Code::unavailable, "unexpected status " + std::to_string(answer_.status())};
  done(Error{Code::unavailable, result.error().message});
}

}  // namespace keelson::node
