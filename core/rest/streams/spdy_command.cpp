#include "core/rest/streams/spdy_command.hpp"

#include <algorithm>

namespace keelson::rest {

namespace {

constexpr std::size_t kStreamsMax = 8;
constexpr std::size_t kResizeTextMax = 1024;

}  // namespace

std::string command_protocol(int version) {
  return version == 1 ? "channel.k8s.io" : "v" + std::to_string(version) + ".channel.k8s.io";
}

std::optional<int> choose_command_version(const std::vector<std::string>& offered) {
  if (offered.empty()) return 1;
  for (const std::string& name : offered) {
    for (int version = 1; version <= 4; ++version) {
      if (name == command_protocol(version)) return version;
    }
  }
  if (std::ranges::find(offered, command_protocol(5)) != offered.end()) return 5;
  return std::nullopt;
}

SpdyCommand::SpdyCommand(Keeper& keeper, Call call, int version, Loop& loop)
    : RemoteCommand(keeper, std::move(call),
                    Upgrade{.websocket = false,
                            .protocol = "SPDY/3.1",
                            .headers = {{"X-Stream-Protocol-Version", command_protocol(version)}}}),
      version_(version),
      connection_(*this, kStreamsMax),
      patience_(loop, [this] {
        const auto self = shared_from_this();
        connection_.lost();
        hang_up();
      }) {}

std::optional<SpdyCommand::Role> SpdyCommand::role_of(std::string_view type) {
  if (type == "error") return status;
  if (type == "stdin") return input_stream;
  if (type == "stdout") return output_stream;
  if (type == "stderr") return errors_stream;
  if (type == "resize") return resize_stream;
  return std::nullopt;
}

bool SpdyCommand::wanted(Role role) const {
  switch (role) {
    case status: return true;
    case input_stream: return options().input;
    case output_stream: return options().output;
    case errors_stream: return options().errors;
    case resize_stream: return options().tty && version_ >= 3;
    case roles: break;
  }
  return false;
}

std::optional<SpdyCommand::Role> SpdyCommand::role_of(uint32_t stream) const {
  for (uint8_t role = 0; role < roles; ++role) {
    if (streams_[role] == stream) return static_cast<Role>(role);
  }
  return std::nullopt;
}

void SpdyCommand::opened() {
  connection_.open(*pipe());
  patience_.arm(kStreamsWithin);
}

bool SpdyCommand::on_stream(uint32_t stream, const spdy::Headers& headers) {
  const auto role = role_of(spdy::find_header(headers, "streamType"));
  if (!role || streams_[*role] != 0) return false;
  streams_[*role] = stream;
  for (uint8_t r = 0; r < roles; ++r) {
    if (wanted(static_cast<Role>(r)) && streams_[r] == 0) return true;
  }
  patience_.disarm();
  start_command();
  return true;
}

void SpdyCommand::on_stream_data(uint32_t stream, std::string_view part) {
  const auto role = role_of(stream);
  if (role == input_stream) return input(part);
  if (role != resize_stream) return;
  for (const char c : part) {
    if (resize_text_.size() < kResizeTextMax) resize_text_ += c;
    if (c != '}') continue;
    uint16_t columns = 0, rows = 0;
    if (parse_terminal_size(resize_text_, columns, rows)) resize(columns, rows);
    resize_text_.clear();
  }
}

void SpdyCommand::on_stream_end(uint32_t stream, bool) {
  if (role_of(stream) == input_stream) end_of_input();
}

void SpdyCommand::send_output(agent::Output which, std::string_view data) {
  connection_.send(streams_[which == agent::Output::standard ? output_stream : errors_stream], data);
}

void SpdyCommand::send_end(const Result<int32_t>& code) {
  const std::string text = version_ >= 4 ? command_status(code, options().command)
                                         : command_status_text(code, options().command);
  connection_.send(streams_[status], text);
  for (const uint32_t stream : streams_) {
    if (stream != 0) connection_.end(stream);
  }
  connection_.close();
}

void SpdyCommand::lost() {
  connection_.lost();
  patience_.disarm();
}

}  // namespace keelson::rest
