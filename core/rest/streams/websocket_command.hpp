// exec and attach over WebSocket: each message is a channel number and data. Channels are 0 input, 1
// output, 2 errors, 3 status, 4 terminal size; from v5 on 255 ends the channel that its data names.
// In the base64 protocols the number is a digit and the data is encoded.
#pragma once

#include <optional>

#include "core/rest/streams/remote_command.hpp"

namespace keelson::rest {

// A WebSocket subprotocol of channels, chosen from what a client offers.
struct ChannelProtocol {
  std::string name;  // empty: the client named none
  int version = 1;
  bool base64 = false;

  std::string encode(uint8_t channel, std::string_view data) const;
  // Nothing: the message is wrong.
  struct Message {
    uint8_t channel = 0;
    std::string data;
  };
  std::optional<Message> decode(std::string_view message) const;
};

// The first of `offered` (a Sec-WebSocket-Protocol header) that is spoken in a version up to
// `version_max` and from `version_min` on. Offering nothing is the oldest. Nothing: none is.
std::optional<ChannelProtocol> choose_channel_protocol(std::string_view offered, int version_min,
                                                       int version_max);

class WebSocketCommand final : public RemoteCommand {
 public:
  WebSocketCommand(Keeper& keeper, Call call, ChannelProtocol protocol);

 private:
  void opened() override;
  void received(std::string_view message) override;
  void send_output(agent::Output which, std::string_view data) override;
  void send_end(const Result<int32_t>& code) override;

  ChannelProtocol protocol_;
};

}  // namespace keelson::rest
