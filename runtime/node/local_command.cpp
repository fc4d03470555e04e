#include "runtime/node/local_command.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "core/api/json_text.hpp"
#include "runtime/http/dial.hpp"

namespace keelson::node {

namespace json = boost::json;
using rest::spdy::Encoder;

namespace {

constexpr std::size_t kStatusMax = 64 * 1024;
constexpr const char* kRoleNames[] = {"error", "stdin", "stdout", "stderr", "resize"};

std::string text_at(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(text->data(), text->size()) : std::string();
}

std::optional<int32_t> exit_code_of(const json::object& status) {
  const json::value* details = status.if_contains("details");
  const json::object* object = details != nullptr ? details->if_object() : nullptr;
  const json::value* causes = object != nullptr ? object->if_contains("causes") : nullptr;
  if (causes == nullptr || !causes->is_array()) return std::nullopt;
  for (const json::value& cause : causes->get_array()) {
    if (!cause.is_object() || text_at(cause.get_object(), "reason") != "ExitCode") continue;
    const std::string text = text_at(cause.get_object(), "message");
    int32_t code = 0;
    const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), code);
    if (trouble == std::errc() && end == text.data() + text.size()) return code;
  }
  return std::nullopt;
}

}  // namespace

Result<int32_t> read_command_status(std::string_view text) {
  const api::ParsedJson parsed = api::parse_json(text, nullptr);
  if (!parsed.error.empty() || !parsed.value.is_object()) {
    return Error{Code::unavailable, "the container runtime has not said how it ended"};
  }
  const json::object& status = parsed.value.get_object();
  if (text_at(status, "status") == "Success") return int32_t{0};
  if (const auto code = exit_code_of(status)) return *code;
  std::string message = text_at(status, "message");
  // Whoever tells people says this again.
  for (const std::string_view prefix :
       {"Internal error occurred: ", "error executing command in container: ",
        "error attaching to container: "}) {
    if (message.starts_with(prefix)) message.erase(0, prefix.size());
  }
  return Error{Code::unavailable, message.empty() ? "it could not be run" : message};
}

LocalCommand::LocalCommand(runtime::AsioLoop& loop, StreamingRuntime& runtime,
                           agent::ContainerRef container, agent::CommandOptions options,
                           bool attach, agent::CommandUser& user)
    : loop_(loop),
      runtime_(runtime),
      container_(std::move(container)),
      options_(std::move(options)),
      attach_(attach),
      user_(user),
      decoder_(*this) {
  if (options_.tty) options_.errors = false;
  runtime_.list([this, weak = std::weak_ptr<int>(here_)](Result<agent::RuntimeState> state) {
    if (weak.expired()) return;
    if (!state) return finish(state.error());
    find(*state);
  });
}

void LocalCommand::find(const agent::RuntimeState& state) {
  for (const agent::ContainerInfo& info : state.containers) {
    if (info.pod_uid == container_.pod.uid() && info.name == container_.container &&
        info.state == agent::ContainerState::running) {
      id_ = info.id;
    }
  }
  if (id_.empty()) {
    return finish(Error{Code::not_found, "container not found (\"" + container_.container + "\")"});
  }
  Done<std::string> done = [this, weak = std::weak_ptr<int>(here_)](Result<std::string> url) {
    if (weak.expired()) return;
    if (!url) return finish(url.error());
    found_url(std::move(*url));
  };
  if (attach_) return runtime_.attach_url(id_, options_, std::move(done));
  runtime_.exec_url(id_, options_, std::move(done));
}

void LocalCommand::found_url(std::string url) {
  url_ = std::move(url);
  user_.on_open();
}

void LocalCommand::start() {
  const Result<http::ServerUrl> url = http::parse_server_url(url_);
  uint16_t port = 0;
  if (url) std::from_chars(url->port.data(), url->port.data() + url->port.size(), port);
  if (!url || url->tls || port == 0) {
    failing_ = Timer(loop_, [this] {
      finish(Error{Code::unavailable, "the container runtime serves streams at \"" + url_ + "\""});
    });
    return failing_.arm(Duration::zero());
  }
  Dial dial;
  dial.address = url->host == "localhost" ? "127.0.0.1" : url->host;
  dial.port = port;
  UpgradeRequest request;
  request.target = url->prefix;
  request.host = url->authority;
  request.protocol = "SPDY/3.1";
  request.headers = {{"X-Stream-Protocol-Version", "v4.channel.k8s.io"}};
  SocketUser& self = *this;
  socket_ = std::make_unique<UpgradedSocket>(loop_, std::move(dial), std::move(request), self);
  socket_->pause(paused_);
}

void LocalCommand::on_connected() {
  const std::array<bool, roles> wanted = {true, options_.input, options_.output, options_.errors,
                                          options_.tty};
  std::string frames;
  uint32_t next = 1;  // a client's streams are odd
  for (uint8_t role = 0; role < roles; ++role) {
    if (!wanted[role]) continue;
    streams_[role] = next;
    frames += encoder_.syn_stream(next, {{"streamtype", kRoleNames[role]}});
    next += 2;
  }
  connected_ = true;
  socket_->send(frames);
  // They were made before the numbers of their streams were known.
  for (const Said& said : std::exchange(said_, {})) {
    if (streams_[said.role] != 0)
      socket_->send(Encoder::data(streams_[said.role], said.data, said.end));
  }
  waiting_bytes_ = 0;
}

void LocalCommand::say(Role role, std::string data, bool end) {
  if (over_) return;
  if (!connected_) {
    waiting_bytes_ += data.size();
    said_.push_back({role, std::move(data), end});
  } else if (streams_[role] != 0) {
    socket_->send(Encoder::data(streams_[role], data, end));
  }
}

void LocalCommand::write(std::string data) {
  if (!input_ended_ && !data.empty()) say(input, std::move(data), false);
}

void LocalCommand::end_input() {
  if (!std::exchange(input_ended_, true)) say(input, {}, true);
}

void LocalCommand::resize(uint16_t columns, uint16_t rows) {
  say(size, "{\"Width\":" + std::to_string(columns) + ",\"Height\":" + std::to_string(rows) + "}\n",
      false);
}

bool LocalCommand::blocked() const {
  return waiting_bytes_ > Socket::kUnsentBytes || (socket_ && socket_->blocked());
}

void LocalCommand::pause(bool paused) {
  paused_ = paused;
  if (socket_) socket_->pause(paused);
}

void LocalCommand::on_bytes(std::string_view bytes) {
  const std::weak_ptr<int> here = here_;
  const Status fed = decoder_.feed(bytes);
  bool over = false;
  for (const Said& said : std::exchange(heard_, {})) {
    if (said.role == status) {
      if (status_text_.size() < kStatusMax) status_text_ += said.data;
      over |= said.end;
    } else if (!said.data.empty()) {
      user_.on_output(said.role == output ? agent::Output::standard : agent::Output::error,
                      said.data);
      if (here.expired()) return;
    }
  }
  if (over) return ended();
  if (!fed)
    finish(Error{Code::unavailable,
                 "the container runtime's answer cannot be read: " + fed.message()});
}

void LocalCommand::on_end(Status why) {
  if (!status_text_.empty()) return ended();
  finish(Error{Code::unavailable, why.ok() ? "the container runtime has hung up" : why.message()});
}

// The error stream is the last one that the runtime closes.
void LocalCommand::ended() {
  if (over_) return;
  Result<int32_t> code = read_command_status(status_text_);
  if (!attach_ || !code || *code != 0) return finish(std::move(code));
  over_ = true;
  // An attachment does not say how the process ended, if it has.
  runtime_.list([this, weak = std::weak_ptr<int>(here_)](Result<agent::RuntimeState> state) {
    if (weak.expired()) return;
    over_ = false;
    int32_t exit_code = 0;
    if (state) {
      for (const agent::ContainerInfo& info : state->containers) {
        if (info.id == id_ && info.state == agent::ContainerState::exited)
          exit_code = info.exit_code;
      }
    }
    finish(exit_code);
  });
}

void LocalCommand::finish(Result<int32_t> code) {
  if (std::exchange(over_, true)) return;
  if (socket_) socket_->pause(true);
  user_.on_exit(std::move(code));
}

std::optional<LocalCommand::Role> LocalCommand::role_of(uint32_t stream) const {
  for (uint8_t role = 0; role < roles; ++role) {
    if (streams_[role] == stream) return static_cast<Role>(role);
  }
  return std::nullopt;
}

void LocalCommand::hear(uint32_t stream, std::string_view data, bool end) {
  if (const auto role = role_of(stream)) heard_.push_back({*role, std::string(data), end});
}

void LocalCommand::on_syn_stream(uint32_t stream, rest::spdy::Headers, bool) {
  socket_->send(Encoder::rst_stream(stream, rest::spdy::ResetReason::refused_stream));
}

void LocalCommand::on_ping(uint32_t id) {
  socket_->send(Encoder::ping(id));
}

}  // namespace keelson::node
