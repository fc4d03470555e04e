#include "core/rest/streams/port_forward.hpp"

namespace keelson::rest {

WebSocketPortForward::WebSocketPortForward(Keeper& keeper, agent::ContainerStreams& node,
                                           api::Ref<api::Pod> pod, std::vector<uint16_t> ports,
                                           ChannelProtocol protocol)
    : PortForward(keeper, node, std::move(pod),
                  Upgrade{.websocket = true, .protocol = protocol.name, .text = protocol.base64}),
      ports_(std::move(ports)),
      protocol_(std::move(protocol)) {}

void WebSocketPortForward::opened() {
  open_ = ports_.size();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const char number[2] = {static_cast<char>(ports_[i] & 0xff), static_cast<char>(ports_[i] >> 8)};
    for (const std::size_t channel : {2 * i, 2 * i + 1}) {
      pipe()->send(protocol_.encode(static_cast<uint8_t>(channel), {number, sizeof number}));
    }
  }
  for (std::size_t i = 0; i < ports_.size(); ++i) connect(static_cast<uint32_t>(i), ports_[i]);
}

void WebSocketPortForward::received(std::string_view text) {
  if (text.empty()) return;
  const auto message = protocol_.decode(text);
  if (!message) {
    pipe()->close();
    forget_pipe();
    return;
  }
  if (message->channel % 2 == 0) to_pod(message->channel / 2, message->data);
}

void WebSocketPortForward::from_pod(uint32_t id, std::string_view data) {
  pipe()->send(protocol_.encode(static_cast<uint8_t>(2 * id), data));
}

void WebSocketPortForward::pod_ended(uint32_t id, const std::string& trouble) {
  if (!trouble.empty()) pipe()->send(protocol_.encode(static_cast<uint8_t>(2 * id + 1), trouble));
  disconnect(id);
  // A channel cannot be closed alone: the end of the last is the end of all.
  if (--open_ > 0) return;
  pipe()->close();
  forget_pipe();
}

}  // namespace keelson::rest
