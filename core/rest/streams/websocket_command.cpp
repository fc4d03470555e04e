#include "core/rest/streams/websocket_command.hpp"

#include "core/api/json_text.hpp"
#include "core/rest/streams/query.hpp"

namespace keelson::rest {

namespace {

constexpr uint8_t kInput = 0, kOutput = 1, kErrors = 2, kStatus = 3, kResize = 4, kClose = 255;

}  // namespace

std::string ChannelProtocol::encode(uint8_t channel, std::string_view data) const {
  std::string out;
  if (base64) {
    out += static_cast<char>('0' + channel);
    return out + api::encode_base64(data);
  }
  out.reserve(data.size() + 1);
  out += static_cast<char>(channel);
  return out.append(data);
}

std::optional<ChannelProtocol::Message> ChannelProtocol::decode(std::string_view message) const {
  if (message.empty()) return std::nullopt;
  const auto first = static_cast<uint8_t>(message[0]);
  if (!base64) return Message{first, std::string(message.substr(1))};
  if (first < '0' || first > '9') return std::nullopt;
  Message decoded{static_cast<uint8_t>(first - '0'), {}};
  std::size_t position = 0;
  if (!api::decode_base64(message.substr(1), decoded.data, position)) return std::nullopt;
  return decoded;
}

std::optional<ChannelProtocol> choose_channel_protocol(std::string_view offered, int version_min,
                                                       int version_max) {
  const std::vector<std::string> names = split_list(offered);
  if (names.empty()) return ChannelProtocol{};
  for (const std::string& name : names) {
    std::string_view rest = name;
    ChannelProtocol protocol{name, 1, false};
    if (rest.size() > 3 && rest[0] == 'v' && rest[1] >= '2' && rest[1] <= '9' && rest[2] == '.') {
      protocol.version = rest[1] - '0';
      rest.remove_prefix(3);
    }
    protocol.base64 = rest == "base64.channel.k8s.io";
    if (!protocol.base64 && rest != "channel.k8s.io") continue;
    if (protocol.version >= version_min && protocol.version <= version_max) return protocol;
  }
  return std::nullopt;
}

WebSocketCommand::WebSocketCommand(Keeper& keeper, Call call, ChannelProtocol protocol)
    : RemoteCommand(keeper, std::move(call),
                    Upgrade{.websocket = true, .protocol = protocol.name, .text = protocol.base64}),
      protocol_(std::move(protocol)) {}

void WebSocketCommand::opened() {
  // Old clients learn by an empty message that the streams are there.
  if (protocol_.version < 5) {
    const uint8_t first = options().output ? kOutput : options().errors ? kErrors : kStatus;
    pipe()->send(protocol_.encode(first, {}));
  }
  start_command();
}

void WebSocketCommand::received(std::string_view text) {
  if (text.empty()) return;
  const auto message = protocol_.decode(text);
  if (!message) return hang_up();
  switch (message->channel) {
    case kInput:
      return input(message->data);
    case kResize: {
      uint16_t columns = 0, rows = 0;
      if (parse_terminal_size(message->data, columns, rows)) resize(columns, rows);
      return;
    }
    case kClose:
      if (protocol_.version >= 5 && message->data.size() == 1 && message->data[0] == kInput) {
        end_of_input();
      }
      return;
    default:
      return;  // as Kubernetes does with channels that it does not read
  }
}

void WebSocketCommand::send_output(agent::Output which, std::string_view data) {
  pipe()->send(protocol_.encode(which == agent::Output::standard ? kOutput : kErrors, data));
}

void WebSocketCommand::send_end(const Result<int32_t>& code) {
  const std::string status = protocol_.version >= 4
                                 ? command_status(code, options().command)
                                 : command_status_text(code, options().command);
  if (!status.empty()) pipe()->send(protocol_.encode(kStatus, status));
  pipe()->close();
}

}  // namespace keelson::rest
