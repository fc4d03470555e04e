#include "sim/world/connection_stream.hpp"

#include <algorithm>
#include <charconv>

#include "sim/world/container_streams.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string plain_answer(const char* status, const std::string& body) {
  return std::string("HTTP/1.1 ") + status + "\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace

SimConnection::SimConnection(SimContainerStreams& streams, api::Ref<api::Pod> pod, uint16_t port,
                             agent::ByteStreamUser& user)
    : streams_(streams),
      pod_(std::move(pod)),
      port_(port),
      user_(user),
      timer_(streams.loop(), [this] { wake(); }) {
  timer_.arm(streams_.time_to_hear());
}

void SimConnection::send(std::string data) {
  if (client_ended_ || state_ == State::done) return;
  received_ += data;
  if (state_ != State::opening) timer_.arm(Duration::zero());
}

void SimConnection::end() {
  client_ended_ = true;
  if (state_ != State::opening) timer_.arm(Duration::zero());
}

void SimConnection::pause(bool paused) {
  paused_ = paused;
  if (!paused && state_ != State::opening) timer_.arm(Duration::zero());
}

bool SimConnection::serves() const {
  const auto address = streams_.node().runtime().address_of(pod_.uid());
  if (!address || !streams_.node().runtime().serves(*address)) return false;
  const Inside inside = look_inside(*pod_, streams_.node().name(), {});
  return std::ranges::find(inside.ports, port_) != inside.ports.end();
}

void SimConnection::wake() {
  if (state_ == State::done) return;
  if (streams_.answers() != Answers::yes) {
    state_ = State::done;
    return user_.on_end(streams_.dial_error());
  }
  const std::weak_ptr<int> here = here_;
  if (state_ == State::opening) {
    if (pod_ && !serves()) {
      state_ = State::done;
      const auto address = streams_.node().runtime().address_of(pod_.uid());
      return user_.on_end({Code::invalid, "dial tcp " + address.value_or("127.0.0.1") + ":" +
                                              std::to_string(port_) + ": connect: connection refused"});
    }
    state_ = State::open;
    user_.on_open();
    if (here.expired()) return;
  }
  while (state_ == State::open && answer_one()) {
  }
  if (paused_) return;
  if (!to_send_.empty()) {
    user_.on_bytes(std::exchange(to_send_, {}));
    if (here.expired()) return;
  }
  if (state_ == State::closing || client_ended_) {
    state_ = State::done;
    user_.on_end({});
  }
}

bool SimConnection::answer_one() {
  const std::size_t skipped = std::min(body_left_, received_.size());
  received_.erase(0, skipped);
  body_left_ -= skipped;
  if (body_left_ > 0) return false;
  const std::size_t end = received_.find("\r\n\r\n");
  const auto refuse = [&](const char* status) {
    to_send_ += plain_answer(status, std::string(status) + "\n");
    state_ = State::closing;
    received_.clear();
    return true;
  };
  if (end == std::string::npos) {
    return received_.size() > kHeadMax ? refuse("431 Request Header Fields Too Large") : false;
  }
  const std::string head = received_.substr(0, end + 2);
  received_.erase(0, end + 4);
  const std::size_t line = head.find("\r\n");
  const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos || second > line ||
      head.compare(second + 1, 7, "HTTP/1.") != 0) {
    return refuse("400 Bad Request");
  }
  PageRequest request{head.substr(0, first), head.substr(first + 1, second - first - 1), {}, true};
  request.keep_alive = head[second + 8] != '0';
  for (std::size_t at = line + 2; at < head.size();) {
    const std::size_t stop = head.find("\r\n", at);
    const std::string header = lower(std::string_view(head).substr(at, stop - at));
    at = stop + 2;
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos) return refuse("400 Bad Request");
    std::string_view value = std::string_view(header).substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (header.starts_with("connection:") && value == "close") request.keep_alive = false;
    if (header.starts_with("transfer-encoding:")) return refuse("411 Length Required");
    if (header.starts_with("content-length:")) {
      const auto [stopped, trouble] = std::from_chars(value.data(), value.data() + value.size(), body_left_);
      if (trouble != std::errc() || stopped != value.data() + value.size()) return refuse("400 Bad Request");
    }
  }
  if (pod_) {
    to_send_ += http_page(look_inside(*pod_, streams_.node().name(), {}), request, streams_.wall_now());
  } else {
    request.keep_alive = false;
    to_send_ += answer_of_agent(request);
  }
  if (!request.keep_alive) state_ = State::closing;
  return true;
}

std::string SimConnection::answer_of_agent(const PageRequest& request) const {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/healthz") return plain_answer("200 OK", "ok");
  if (path == "/metrics") {
    return plain_answer("200 OK", "# TYPE keelson_running_containers gauge\nkeelson_running_containers " +
                                      std::to_string(streams_.node().runtime().running()) + "\n");
  }
  if (path == "/logs" || path == "/logs/") return plain_answer("200 OK", "<pre>\n</pre>\n");
  return plain_answer("404 Not Found", "404 page not found\n");
}

}  // namespace keelson::sim
