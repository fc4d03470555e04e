#include <algorithm>
#include <charconv>

#include "core/rest/streams/port_forward.hpp"

namespace keelson::rest {

namespace {

// What a client may send before the pair of its streams is complete.
constexpr std::size_t kEarlyMax = 64 * 1024;

Upgrade upgrade_of(bool tunnel) {
  if (tunnel) return {.websocket = true, .protocol = kPortForwardTunnel};
  return {.websocket = false,
          .protocol = "SPDY/3.1",
          .headers = {{"X-Stream-Protocol-Version", kPortForwardProtocol}}};
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (trouble != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

SpdyPortForward::SpdyPortForward(Keeper& keeper, agent::ContainerStreams& node,
                                 api::Ref<api::Pod> pod, bool tunnel)
    : PortForward(keeper, node, std::move(pod), upgrade_of(tunnel)),
      connection_(*this, kStreamsMax) {}

bool SpdyPortForward::on_stream(uint32_t stream, const spdy::Headers& headers) {
  const auto port = port_of(spdy::find_header(headers, "port"));
  const std::string_view type = spdy::find_header(headers, "streamType");
  const bool is_error = type == "error";
  if (!port || (!is_error && type != "data")) return false;
  std::string request(spdy::find_header(headers, "requestID"));
  // Clients of old open the error stream, then at once the data stream, and do not name the pair.
  if (request.empty()) request = "stream " + std::to_string(is_error ? stream : stream - 2);

  auto pair = std::ranges::find(waiting_, request, &Pair::request);
  if (pair == waiting_.end()) {
    waiting_.push_back({.request = request});
    pair = waiting_.end() - 1;
  }
  uint32_t& place = is_error ? pair->error : pair->data;
  if (place != 0) return false;
  place = stream;
  if (!is_error) pair->port = *port;
  if (pair->data == 0 || pair->error == 0) return true;

  const Pair complete = std::move(*pair);
  waiting_.erase(pair);
  errors_of_[complete.data] = complete.error;
  connect(complete.data, complete.port);
  to_pod(complete.data, complete.early);
  if (complete.data_ended) end_to_pod(complete.data);
  return true;
}

void SpdyPortForward::on_stream_data(uint32_t stream, std::string_view part) {
  const auto pair = std::ranges::find(waiting_, stream, &Pair::data);
  if (pair == waiting_.end()) return to_pod(stream, part);
  if (pair->early.size() + part.size() <= kEarlyMax) {
    pair->early += part;
    return;
  }
  waiting_.erase(pair);
  connection_.reset(stream, spdy::ResetReason::protocol_error);
}

void SpdyPortForward::on_stream_end(uint32_t stream, bool broken) {
  const auto pair = std::ranges::find_if(
      waiting_, [&](const Pair& p) { return p.data == stream || p.error == stream; });
  if (pair != waiting_.end()) {
    if (broken) {
      waiting_.erase(pair);
    } else if (pair->data == stream) {
      pair->data_ended = true;
    }
    return;
  }
  // Of an error stream the client's half means nothing: no connection has its number.
  if (!broken) return end_to_pod(stream);
  const auto known = errors_of_.find(stream);
  if (known != errors_of_.end()) {
    connection_.end(known->second);
    errors_of_.erase(known);
  }
  disconnect(stream);
}

void SpdyPortForward::pod_ended(uint32_t id, const std::string& trouble) {
  const auto known = errors_of_.find(id);
  if (known == errors_of_.end()) return;
  connection_.send(known->second, trouble);
  connection_.end(known->second);
  connection_.end(id);
  errors_of_.erase(known);
}

}  // namespace keelson::rest
