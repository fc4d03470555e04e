#include "core/rest/streams/spdy.hpp"

#include <zlib.h>

#include <algorithm>

#include "core/rest/streams/spdy_dictionary.hpp"

namespace keelson::rest::spdy {

namespace {

constexpr uint16_t kVersion = 3;
constexpr uint8_t kFlagFin = 0x01;
constexpr std::size_t kFrameHeader = 8;
constexpr uint32_t kStreamMask = 0x7fffffff;

enum Type : uint16_t {
  syn_stream_type = 1,
  syn_reply_type = 2,
  rst_stream_type = 3,
  ping_type = 6,
  goaway_type = 7,
  headers_type = 8,
};

uint32_t read32(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return uint32_t{static_cast<unsigned char>(bytes[at + i])}; };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

uint16_t read16(std::string_view bytes, std::size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                               static_cast<unsigned char>(bytes[at + 1]));
}

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::string control(uint16_t type, uint8_t flags, std::string_view body) {
  std::string frame;
  frame.reserve(kFrameHeader + body.size());
  put32(frame, uint32_t{0x8000u | kVersion} << 16 | type);
  put32(frame, uint32_t{flags} << 24 | static_cast<uint32_t>(body.size()));
  frame += body;
  return frame;
}

Status broken(std::string why) { return {Code::invalid, "SPDY: " + std::move(why)}; }

}  // namespace

struct Decoder::Inflater {
  z_stream z{};
  bool ready = inflateInit(&z) == Z_OK;
  ~Inflater() {
    if (ready) inflateEnd(&z);
  }

  Result<std::string> run(std::string_view block, std::size_t max) {
    if (!ready) return Error{Code::invalid, "SPDY: no memory for header compression"};
    std::string out;
    char buffer[4096];
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));  // zlib does not write it
    z.avail_in = static_cast<uInt>(block.size());
    for (;;) {
      z.next_out = reinterpret_cast<Bytef*>(buffer);
      z.avail_out = sizeof buffer;
      const int answer = inflate(&z, Z_SYNC_FLUSH);
      if (answer == Z_NEED_DICT) {
        const std::string_view dictionary = header_dictionary();
        if (inflateSetDictionary(&z, reinterpret_cast<const Bytef*>(dictionary.data()),
                                 static_cast<uInt>(dictionary.size())) == Z_OK) {
          continue;
        }
        return Error{Code::invalid, "SPDY: header block of another dictionary"};
      }
      if (answer != Z_OK && answer != Z_BUF_ERROR) {
        return Error{Code::invalid, "SPDY: header block does not decompress"};
      }
      const std::size_t got = sizeof buffer - z.avail_out;
      out.append(buffer, got);
      if (out.size() > max) return Error{Code::invalid, "SPDY: header block is too large"};
      if (z.avail_in == 0 && got < sizeof buffer) return out;
      if (answer == Z_BUF_ERROR && got == 0) return out;
    }
  }
};

Decoder::Decoder(FrameSink& sink, Limits limits)
    : sink_(sink), limits_(limits), inflater_(std::make_unique<Inflater>()) {}
Decoder::~Decoder() = default;

Status Decoder::feed(std::string_view bytes) {
  while (failed_.ok() && (!bytes.empty() || (in_data_ && data_left_ == 0))) {
    if (in_data_) {
      const std::string_view part = bytes.substr(0, data_left_);
      bytes.remove_prefix(part.size());
      data_left_ -= part.size();
      const bool done = data_left_ == 0;
      if (done) in_data_ = false;
      if (!part.empty()) sink_.on_data(data_stream_, part);
      if (done && data_fin_) sink_.on_fin(data_stream_);
      continue;
    }
    // A frame's header, then, of a control frame, the rest of it.
    std::size_t want = kFrameHeader;
    if (control_.size() >= kFrameHeader) want += read32(control_, 4) & 0xffffff;
    const std::string_view part = bytes.substr(0, want - control_.size());
    control_ += part;
    bytes.remove_prefix(part.size());
    if (control_.size() < want) continue;
    if (control_.size() == kFrameHeader) {
      const std::size_t length = read32(control_, 4) & 0xffffff;
      const bool is_control = (static_cast<unsigned char>(control_[0]) & 0x80) != 0;
      if (!is_control) {
        data_stream_ = read32(control_, 0);
        data_fin_ = (static_cast<unsigned char>(control_[4]) & kFlagFin) != 0;
        data_left_ = length;
        in_data_ = true;
        control_.clear();
        if (data_stream_ == 0) failed_ = broken("data for stream 0");
        continue;
      }
      if ((read16(control_, 0) & 0x7fff) != kVersion) {
        failed_ = broken("version " + std::to_string(read16(control_, 0) & 0x7fff));
        break;
      }
      if (length > limits_.control_frame_max) {
        failed_ = broken("control frame of " + std::to_string(length) + " bytes");
        break;
      }
      if (length > 0) continue;
    }
    const std::string frame = std::exchange(control_, {});
    failed_ = control_frame(frame);
  }
  return failed_;
}

Status Decoder::control_frame(std::string_view frame) {
  const uint16_t type = read16(frame, 2);
  const auto flags = static_cast<uint8_t>(frame[4]);
  const std::string_view body = frame.substr(kFrameHeader);
  switch (type) {
    case syn_stream_type:
    case syn_reply_type:
    case headers_type:
      return header_frame(type, flags, body);
    case rst_stream_type:
      if (body.size() < 8) return broken("RST_STREAM is too short");
      sink_.on_rst_stream(read32(body, 0) & kStreamMask, read32(body, 4));
      return {};
    case ping_type:
      if (body.size() < 4) return broken("PING is too short");
      sink_.on_ping(read32(body, 0));
      return {};
    case goaway_type:
      if (body.size() < 4) return broken("GOAWAY is too short");
      sink_.on_goaway(read32(body, 0) & kStreamMask);
      return {};
    default:
      return {};  // SETTINGS, WINDOW_UPDATE, and whatever else: of no consequence here
  }
}

Status Decoder::header_frame(uint16_t type, uint8_t flags, std::string_view body) {
  // SYN_STREAM has more fields before its headers: the stream that it belongs to, priority, slot.
  const std::size_t fixed = type == syn_stream_type ? 10 : 4;
  if (body.size() < fixed) return broken("frame with headers is too short");
  const uint32_t stream = read32(body, 0) & kStreamMask;
  if (stream == 0) return broken("headers for stream 0");
  Result<Headers> headers = read_headers(body.substr(fixed));
  if (!headers) return headers.error();
  const bool fin = (flags & kFlagFin) != 0;
  if (type == syn_stream_type) {
    sink_.on_syn_stream(stream, std::move(*headers), fin);
  } else if (type == syn_reply_type) {
    sink_.on_syn_reply(stream, std::move(*headers), fin);
  } else {
    sink_.on_headers(stream, std::move(*headers), fin);
  }
  return {};
}

Result<Headers> Decoder::read_headers(std::string_view block) {
  Result<std::string> plain = inflater_->run(block, limits_.header_block_max);
  if (!plain) return plain.error();
  std::string_view rest = *plain;
  Headers headers;
  if (rest.empty()) return headers;
  const Error cut{Code::invalid, "SPDY: header block is cut off"};
  const auto number = [&]() -> std::optional<uint32_t> {
    if (rest.size() < 4) return std::nullopt;
    const uint32_t value = read32(rest, 0);
    rest.remove_prefix(4);
    return value;
  };
  const auto text = [&]() -> std::optional<std::string> {
    const auto size = number();
    if (!size || *size > rest.size()) return std::nullopt;
    std::string value(rest.substr(0, *size));
    rest.remove_prefix(*size);
    return value;
  };
  const auto count = number();
  if (!count || *count > rest.size() / 8) return cut;
  for (uint32_t i = 0; i < *count; ++i) {
    auto name = text();
    auto value = name ? text() : std::nullopt;
    if (!value) return cut;
    headers.push_back({std::move(*name), std::move(*value)});
  }
  return headers;
}

struct Encoder::Deflater {
  z_stream z{};
  bool ready = false;
  Deflater() {
    const std::string_view dictionary = header_dictionary();
    ready = deflateInit(&z, Z_DEFAULT_COMPRESSION) == Z_OK &&
            deflateSetDictionary(&z, reinterpret_cast<const Bytef*>(dictionary.data()),
                                 static_cast<uInt>(dictionary.size())) == Z_OK;
  }
  ~Deflater() { deflateEnd(&z); }
};

Encoder::Encoder() : deflater_(std::make_unique<Deflater>()) {
  KEELSON_ASSERT_WHY(deflater_->ready, "no memory for header compression");
}
Encoder::~Encoder() = default;

std::string Encoder::compress(const Headers& headers) {
  std::string plain;
  put32(plain, static_cast<uint32_t>(headers.size()));
  for (const Header& header : headers) {
    put32(plain, static_cast<uint32_t>(header.name.size()));
    for (const char c : header.name) plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    put32(plain, static_cast<uint32_t>(header.value.size()));
    plain += header.value;
  }
  z_stream& z = deflater_->z;
  z.next_in = reinterpret_cast<Bytef*>(plain.data());
  z.avail_in = static_cast<uInt>(plain.size());
  std::string out;
  char buffer[4096];
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    deflate(&z, Z_SYNC_FLUSH);
    out.append(buffer, sizeof buffer - z.avail_out);
  } while (z.avail_out == 0);
  return out;
}

std::string Encoder::syn_stream(uint32_t stream, const Headers& headers, bool fin) {
  std::string body;
  put32(body, stream);
  put32(body, 0);  // belongs to no other stream
  body.append(2, '\0');
  return control(syn_stream_type, fin ? kFlagFin : 0, body + compress(headers));
}

std::string Encoder::syn_reply(uint32_t stream, const Headers& headers) {
  std::string body;
  put32(body, stream);
  return control(syn_reply_type, 0, body + compress(headers));
}

std::string Encoder::data(uint32_t stream, std::string_view bytes, bool fin) {
  std::string out;
  do {
    const std::string_view part = bytes.substr(0, data_frame_max);
    bytes.remove_prefix(part.size());
    const uint32_t flags = fin && bytes.empty() ? kFlagFin : 0;
    put32(out, stream);
    put32(out, flags << 24 | static_cast<uint32_t>(part.size()));
    out += part;
  } while (!bytes.empty());
  return out;
}

std::string Encoder::rst_stream(uint32_t stream, ResetReason reason) {
  std::string body;
  put32(body, stream);
  put32(body, static_cast<uint32_t>(reason));
  return control(rst_stream_type, 0, body);
}

std::string Encoder::ping(uint32_t id) {
  std::string body;
  put32(body, id);
  return control(ping_type, 0, body);
}

std::string Encoder::goaway(uint32_t last_stream) {
  std::string body;
  put32(body, last_stream);
  put32(body, 0);
  return control(goaway_type, 0, body);
}

}  // namespace keelson::rest::spdy
