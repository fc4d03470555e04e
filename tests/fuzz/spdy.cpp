// Any bytes as what a SPDY client sends. However they are cut, the same frames must come out.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.hpp"
#include "core/rest/streams/spdy.hpp"

using namespace keelson::rest::spdy;

namespace {

class Recorder final : public FrameSink {
 public:
  void on_syn_stream(uint32_t stream, Headers headers, bool fin) override { note('s', stream, headers, fin); }
  void on_syn_reply(uint32_t stream, Headers headers, bool fin) override { note('r', stream, headers, fin); }
  void on_headers(uint32_t stream, Headers headers, bool fin) override { note('h', stream, headers, fin); }
  void on_data(uint32_t stream, std::string_view part) override {
    if (stream != stream_) text += "d" + std::to_string(stream);
    stream_ = stream;
    text += part;
  }
  void on_fin(uint32_t stream) override { note('f', stream, {}, true); }
  void on_rst_stream(uint32_t stream, uint32_t reason) override { note('x', stream, {}, reason != 0); }
  void on_ping(uint32_t id) override { note('p', id, {}, false); }
  void on_goaway(uint32_t last) override { note('g', last, {}, false); }
  std::string text;

 private:
  void note(char what, uint32_t stream, const Headers& headers, bool fin) {
    stream_ = 0;
    text += what + std::to_string(stream) + (fin ? "!" : "");
    for (const auto& header : headers) text += header.name + '=' + header.value;
  }
  uint32_t stream_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Recorder whole, pieces;
  const bool good = Decoder(whole).feed(bytes).ok();
  Decoder decoder(pieces);
  bool still_good = true;
  for (std::size_t i = 0; i < size; ++i) still_good = decoder.feed(bytes.substr(i, 1)).ok();
  KEELSON_ASSERT(size == 0 || good == still_good);
  KEELSON_ASSERT(whole.text == pieces.text);
  return 0;
}
