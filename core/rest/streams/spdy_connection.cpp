#include "core/rest/streams/spdy_connection.hpp"

#include "core/rest/streams/query.hpp"

namespace keelson::rest::spdy {

std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (same_word(header.name, name)) return header.value;
  }
  return {};
}

Connection::Connection(StreamUser& user, std::size_t streams_max)
    : user_(user), streams_max_(streams_max), decoder_(*this) {}

void Connection::write(std::string frame) {
  if (pipe_ != nullptr) pipe_->send(std::move(frame));
}

void Connection::feed(std::string_view bytes) {
  if (pipe_ == nullptr) return;
  if (!decoder_.feed(bytes).ok()) close();
}

void Connection::send(uint32_t stream, std::string_view data) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.server_ended || data.empty()) return;
  write(Encoder::data(stream, data));
}

void Connection::end(uint32_t stream) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.server_ended) return;
  write(Encoder::data(stream, {}, true));
  it->second.server_ended = true;
  close_if_done(it);
}

void Connection::reset(uint32_t stream, ResetReason reason) {
  if (streams_.erase(stream) > 0) write(Encoder::rst_stream(stream, reason));
}

void Connection::close() {
  if (pipe_ == nullptr) return;
  write(Encoder::goaway(last_stream_));
  std::exchange(pipe_, nullptr)->close();
}

void Connection::close_if_done(std::map<uint32_t, Stream>::iterator stream) {
  if (stream->second.client_ended && stream->second.server_ended) streams_.erase(stream);
}

void Connection::on_syn_stream(uint32_t stream, Headers headers, bool fin) {
  if (pipe_ == nullptr) return;
  // A client's streams have odd, rising numbers.
  if (stream % 2 == 0 || stream <= last_stream_) {
    write(Encoder::rst_stream(stream, ResetReason::protocol_error));
    return;
  }
  last_stream_ = stream;
  if (streams_.size() >= streams_max_) {
    write(Encoder::rst_stream(stream, ResetReason::refused_stream));
    return;
  }
  streams_[stream] = {};
  write(encoder_.syn_reply(stream));
  if (!user_.on_stream(stream, headers)) reset(stream, ResetReason::refused_stream);
  if (fin) on_fin(stream);
}

void Connection::on_headers(uint32_t stream, Headers, bool fin) {
  if (fin) on_fin(stream);
}

void Connection::on_data(uint32_t stream, std::string_view part) {
  const auto it = streams_.find(stream);
  if (pipe_ == nullptr || it == streams_.end() || it->second.client_ended) return;
  user_.on_stream_data(stream, part);
}

void Connection::on_fin(uint32_t stream) {
  const auto it = streams_.find(stream);
  if (pipe_ == nullptr || it == streams_.end() || it->second.client_ended) return;
  it->second.client_ended = true;
  close_if_done(it);
  user_.on_stream_end(stream, false);
}

void Connection::on_rst_stream(uint32_t stream, uint32_t) {
  if (pipe_ == nullptr || streams_.erase(stream) == 0) return;
  user_.on_stream_end(stream, true);
}

void Connection::on_ping(uint32_t id) {
  if (id % 2 == 1) write(Encoder::ping(id));  // an even one would answer a ping of ours
}

}  // namespace keelson::rest::spdy
