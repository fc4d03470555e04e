// The server's end of a SPDY/3.1 connection with kubectl: only the client opens streams, pings are
// answered, and each stream ends when both sides have said so.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/rest/streams/spdy.hpp"

namespace keelson::rest::spdy {

// The first of that name, in any case; empty: none.
std::string_view find_header(const Headers& headers, std::string_view name);

// Hears of the client's streams.
class StreamUser {
 public:
  // A new stream. False refuses it.
  virtual bool on_stream(uint32_t stream, const Headers& headers) = 0;
  virtual void on_stream_data(uint32_t stream, std::string_view part) = 0;
  // The client sends no more on it; `broken`: and does not listen either.
  virtual void on_stream_end(uint32_t stream, bool broken) = 0;

 protected:
  ~StreamUser() = default;
};

class Connection final : private FrameSink {
 public:
  // At most `streams_max` may be open at once; more are refused.
  Connection(StreamUser& user, std::size_t streams_max);

  void open(Pipe& pipe) { pipe_ = &pipe; }
  // The connection is gone: nothing is sent any more.
  void lost() { pipe_ = nullptr; }
  Pipe* pipe() const { return pipe_; }

  // What came over the pipe. A peer that does not speak SPDY is hung up on.
  void feed(std::string_view bytes);
  // Nothing happens for a stream that is closed or unknown.
  void send(uint32_t stream, std::string_view data);
  void end(uint32_t stream);
  void reset(uint32_t stream, ResetReason reason);
  // Says goodbye and closes the pipe.
  void close();

 private:
  void on_syn_stream(uint32_t stream, Headers headers, bool fin) override;
  void on_syn_reply(uint32_t, Headers, bool) override {}
  void on_headers(uint32_t stream, Headers headers, bool fin) override;
  void on_data(uint32_t stream, std::string_view part) override;
  void on_fin(uint32_t stream) override;
  void on_rst_stream(uint32_t stream, uint32_t reason) override;
  void on_ping(uint32_t id) override;
  void on_goaway(uint32_t) override {}  // its streams are still served; then it hangs up
  void write(std::string frame);

  struct Stream {
    bool client_ended = false, server_ended = false;
  };
  void close_if_done(std::map<uint32_t, Stream>::iterator stream);

  StreamUser& user_;
  std::size_t streams_max_;
  Pipe* pipe_ = nullptr;
  Decoder decoder_;
  Encoder encoder_;
  std::map<uint32_t, Stream> streams_;
  uint32_t last_stream_ = 0;
};

}  // namespace keelson::rest::spdy
