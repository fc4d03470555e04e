#include "runtime/node/upgrade.hpp"

#include <charconv>

namespace keelson::node {

namespace {

constexpr std::size_t kHeadMax = 16 * 1024;
constexpr std::size_t kRefusalMax = 4 * 1024;  // of a body that explains a refusal

Code code_of(int status) {
  if (status == 401 || status == 403) return Code::denied;
  if (status == 404) return Code::not_found;
  return status >= 400 && status < 500 ? Code::invalid : Code::unavailable;
}

// Of "HTTP/1.1 101 Switching Protocols"; 0: it is something else.
int status_of(std::string_view head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return 0;
  int status = 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  return status;
}

}  // namespace

UpgradedSocket::UpgradedSocket(runtime::AsioLoop& loop, Dial dial, UpgradeRequest request,
                               SocketUser& user)
    : user_(user),
      request_(std::move(request)),
      patience_(loop,
                [this] {
                  give_up({Code::unavailable, "net/http: timeout awaiting response headers"});
                }),
      socket_(loop, std::move(dial), *this) {
  patience_.arm(request_.patience);
}

void UpgradedSocket::on_connected() {
  std::string head = "POST " + request_.target + " HTTP/1.1\r\nHost: " + request_.host +
                     "\r\nConnection: Upgrade\r\nUpgrade: " + request_.protocol +
                     "\r\nContent-Length: 0\r\n";
  for (const rest::Header& header : request_.headers) {
    head += header.name + ": " + header.value + "\r\n";
  }
  socket_.send(head + "\r\n");
}

void UpgradedSocket::on_bytes(std::string_view bytes) {
  switch (state_) {
    case State::open: return user_.on_bytes(bytes);
    case State::asking: return read_head(bytes);
    case State::refused: return refused(bytes);
    case State::over: return;
  }
}

void UpgradedSocket::read_head(std::string_view bytes) {
  head_ += bytes;
  const std::size_t end = head_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (head_.size() > kHeadMax) give_up({Code::unavailable, "malformed HTTP response"});
    return;
  }
  const int status = status_of(head_);
  if (status != 101) {
    state_ = State::refused;
    return refused(std::exchange(head_, {}));
  }
  state_ = State::open;
  patience_.disarm();
  const std::string early = head_.substr(end + 4);
  head_ = {};
  const std::weak_ptr<int> here = here_;
  user_.on_connected();
  if (!here.expired() && !early.empty()) user_.on_bytes(early);
}

void UpgradedSocket::refused(std::string_view bytes) {
  const Status fed = answer_.feed(bytes, body_);
  if (!fed) return give_up({Code::unavailable, fed.message()});
  if (answer_.done() || body_.size() > kRefusalMax) {
    while (body_.ends_with('\n')) body_.pop_back();
    body_.resize(std::min(body_.size(), kRefusalMax));
    give_up({code_of(answer_.status()),
             body_.empty() ? "unexpected status " + std::to_string(answer_.status()) : body_});
  }
}

void UpgradedSocket::on_end(Status why) {
  if (state_ == State::over) return;
  if (state_ == State::open) return user_.on_end(std::move(why));
  if (state_ == State::refused && why.ok() && answer_.end().ok()) {
    return give_up({code_of(answer_.status()), body_});
  }
  give_up(why.ok() ? Error{Code::unavailable, "unexpected EOF"} : why.error());
}

void UpgradedSocket::give_up(Error why) {
  if (state_ == State::over) return;
  state_ = State::over;
  patience_.disarm();
  socket_.pause(true);
  user_.on_end(std::move(why));
}

}  // namespace keelson::node
