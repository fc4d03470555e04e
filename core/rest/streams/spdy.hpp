// SPDY/3.1 framing, as docker/spdystream speaks it with kubectl: bytes in, frames out, and back. One
// Decoder and one Encoder per connection, since the header blocks of each direction share one
// compression context. Flow control (WINDOW_UPDATE) is not used by those clients and not done here.
// Source: draft-mbelshe-httpbis-spdy-00 with the framing of version 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/rest/http.hpp"

namespace keelson::rest::spdy {

// Why a stream is reset.
enum class ResetReason : uint32_t {
  protocol_error = 1, invalid_stream = 2, refused_stream = 3, cancel = 5, internal_error = 6,
};

// Names are in lower case on the wire; a name that comes several times has its values joined by NUL.
using Headers = std::vector<Header>;

// What arrives. Stream ids are never 0.
class FrameSink {
 public:
  virtual void on_syn_stream(uint32_t stream, Headers headers, bool fin) = 0;
  virtual void on_syn_reply(uint32_t stream, Headers headers, bool fin) = 0;
  virtual void on_headers(uint32_t stream, Headers headers, bool fin) = 0;
  // A part of a DATA frame, as it comes in; never empty. on_fin() follows if it had the flag.
  virtual void on_data(uint32_t stream, std::string_view part) = 0;
  virtual void on_fin(uint32_t stream) = 0;
  virtual void on_rst_stream(uint32_t stream, uint32_t reason) = 0;
  virtual void on_ping(uint32_t id) = 0;
  virtual void on_goaway(uint32_t last_stream) = 0;

 protected:
  ~FrameSink() = default;
};

struct Limits {
  std::size_t control_frame_max = 64 * 1024;
  std::size_t header_block_max = 64 * 1024;  // when decompressed
};

class Decoder {
 public:
  explicit Decoder(FrameSink& sink, Limits limits = {});
  ~Decoder();

  // Takes all of `bytes`, keeps what is not a whole frame yet. An error is final: the peer speaks
  // something else, or too much of it; further bytes are dropped.
  Status feed(std::string_view bytes);

 private:
  Status control_frame(std::string_view frame);
  Status header_frame(uint16_t type, uint8_t flags, std::string_view body);
  Result<Headers> read_headers(std::string_view block);

  struct Inflater;
  FrameSink& sink_;
  Limits limits_;
  std::unique_ptr<Inflater> inflater_;
  std::string control_;          // the control frame, or frame header, being gathered
  uint32_t data_stream_ = 0;     // of the DATA frame being read
  std::size_t data_left_ = 0;
  bool data_fin_ = false;
  bool in_data_ = false;
  Status failed_;
};

// Makes frames. Each call changes the compression context, so what it returns must be sent, in order.
class Encoder {
 public:
  Encoder();
  ~Encoder();

  std::string syn_stream(uint32_t stream, const Headers& headers, bool fin = false);
  std::string syn_reply(uint32_t stream, const Headers& headers = {});
  // Splits what is longer than data_frame_max.
  static std::string data(uint32_t stream, std::string_view bytes, bool fin = false);
  static std::string rst_stream(uint32_t stream, ResetReason reason);
  static std::string ping(uint32_t id);
  static std::string goaway(uint32_t last_stream);

  static constexpr std::size_t data_frame_max = 64 * 1024;

 private:
  struct Deflater;
  std::string compress(const Headers& headers);
  std::unique_ptr<Deflater> deflater_;
};

}  // namespace keelson::rest::spdy
