// SPDY/3.1 framing: what is written is read again, however it is cut, and garbage is an error.
#include "core/rest/streams/spdy.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "core/base/rng.hpp"
#include "core/rest/streams/spdy_dictionary.hpp"

namespace keelson::rest::spdy {
namespace {

class Recorder final : public FrameSink {
 public:
  void on_syn_stream(uint32_t stream, Headers headers, bool fin) override {
    note("syn", stream, headers, fin);
  }
  void on_syn_reply(uint32_t stream, Headers headers, bool fin) override {
    note("reply", stream, headers, fin);
  }
  void on_headers(uint32_t stream, Headers headers, bool fin) override {
    note("headers", stream, headers, fin);
  }
  void on_data(uint32_t stream, std::string_view part) override {
    EXPECT_FALSE(part.empty());
    data += part;
    last_stream = stream;
  }
  void on_fin(uint32_t stream) override { text += "fin " + std::to_string(stream) + "\n"; }
  void on_rst_stream(uint32_t stream, uint32_t reason) override {
    text += "rst " + std::to_string(stream) + " " + std::to_string(reason) + "\n";
  }
  void on_ping(uint32_t id) override { text += "ping " + std::to_string(id) + "\n"; }
  void on_goaway(uint32_t last) override { text += "goaway " + std::to_string(last) + "\n"; }
  void note(const char* what, uint32_t stream, const Headers& headers, bool fin) {
    text += std::string(what) + " " + std::to_string(stream) + (fin ? " fin" : "");
    for (const Header& header : headers) text += " " + header.name + "=" + header.value;
    text += "\n";
  }
  std::string text, data;
  uint32_t last_stream = 0;
};

std::string conversation() {
  Encoder encoder;
  std::string all = encoder.syn_stream(1, {{"streamType", "error"}, {"port", "80"}});
  all += encoder.syn_stream(3, {{"streamtype", "data"}}, true);
  all += encoder.syn_reply(1);
  return all + Encoder::data(3, "hello") + Encoder::data(3, {}, true) + Encoder::ping(7) +
         Encoder::rst_stream(5, ResetReason::cancel) + Encoder::goaway(3);
}
constexpr const char* kConversation =
    "syn 1 streamtype=error port=80\nsyn 3 fin streamtype=data\nreply 1\nfin 3\nping 7\nrst 5 5\n"
    "goaway 3\n";

TEST(Spdy, TheDictionaryIsTheProtocols) {
  const std::string_view dictionary = header_dictionary();
  EXPECT_EQ(dictionary.size(), 1423u);
  EXPECT_EQ(adler32(adler32(0, nullptr, 0), reinterpret_cast<const Bytef*>(dictionary.data()),
                    static_cast<uInt>(dictionary.size())),
            0xe3c6a7c2u);
}

TEST(Spdy, FramesAreReadAsTheyWereWritten) {
  Recorder whole;
  ASSERT_TRUE(Decoder(whole).feed(conversation()).ok());
  EXPECT_EQ(whole.text, kConversation);
  EXPECT_EQ(whole.data, "hello");

  Recorder pieces;
  Decoder decoder(pieces);
  for (const char byte : conversation()) ASSERT_TRUE(decoder.feed({&byte, 1}).ok());
  EXPECT_EQ(pieces.text, kConversation);
  EXPECT_EQ(pieces.data, "hello");
}

TEST(Spdy, LongDataIsSplitAndEndsOnce) {
  const std::string big(3 * Encoder::data_frame_max + 5, 'x');
  Recorder recorder;
  ASSERT_TRUE(Decoder(recorder).feed(Encoder::data(9, big, true)).ok());
  EXPECT_EQ(recorder.data, big);
  EXPECT_EQ(recorder.text, "fin 9\n");
}

TEST(Spdy, WhatIsNotNeededIsSkipped) {
  Recorder recorder;
  Decoder decoder(recorder);
  const std::string settings("\x80\x03\x00\x04\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x64", 20);
  const std::string window("\x80\x03\x00\x09\x00\x00\x00\x08\x00\x00\x00\x01\x00\x01\x00\x00", 16);
  EXPECT_TRUE(decoder.feed(settings + window + Encoder::ping(1)).ok());
  EXPECT_EQ(recorder.text, "ping 1\n");
}

TEST(Spdy, WhatIsNoSpdyIsAnError) {
  Recorder recorder;
  EXPECT_FALSE(Decoder(recorder).feed(std::string("\x80\x02\x00\x01\x00\x00\x00\x04zzzz", 12)).ok()) << "SPDY/2";
  EXPECT_FALSE(Decoder(recorder).feed(std::string("\x80\x03\x00\x01\x00\xff\xff\xff", 8)).ok()) << "16 MiB of headers";
  EXPECT_FALSE(Decoder(recorder).feed(std::string("\x80\x03\x00\x06\x00\x00\x00\x02zz", 10)).ok()) << "half a ping";
  EXPECT_FALSE(Decoder(recorder).feed(std::string("\x00\x00\x00\x00\x00\x00\x00\x01z", 9)).ok()) << "stream 0";
  EXPECT_FALSE(Decoder(recorder).feed(std::string("\x80\x03\x00\x02\x00\x00\x00\x08\x00\x00\x00\x01zzzz", 16)).ok())
      << "headers that do not decompress";
  EXPECT_EQ(recorder.text, "");

  Decoder decoder(recorder);
  EXPECT_FALSE(decoder.feed(std::string("\x80\x02\x00\x01\x00\x00\x00\x04zzzz", 12)).ok());
  EXPECT_FALSE(decoder.feed(Encoder::ping(1)).ok()) << "an error is final";
  EXPECT_EQ(recorder.text, "");
}

TEST(Spdy, HeadersThatGrowTooLargeAreRefused) {
  Encoder encoder;
  const std::string bomb = encoder.syn_stream(1, {{"a", std::string(1 << 20, 'a')}});
  ASSERT_LT(bomb.size(), 10'000u);
  Recorder recorder;
  EXPECT_FALSE(Decoder(recorder).feed(bomb).ok());
  EXPECT_EQ(recorder.text, "");
}

TEST(Spdy, NothingThatIsDamagedDoesHarm) {
  const std::string good = conversation();
  Rng rng(11);
  for (int round = 0; round < 2000; ++round) {
    std::string bad = good;
    for (uint64_t i = rng.below(4) + 1; i > 0; --i) bad[rng.below(bad.size())] = static_cast<char>(rng.next());
    if (rng.chance(1, 3)) bad.resize(rng.below(bad.size()));
    Recorder recorder;
    Decoder decoder(recorder);
    std::string_view rest = bad;
    while (!rest.empty()) {
      const std::size_t size = std::min<std::size_t>(rng.below(40) + 1, rest.size());
      static_cast<void>(decoder.feed(rest.substr(0, size)).ok());
      rest.remove_prefix(size);
    }
  }
}

}  // namespace
}  // namespace keelson::rest::spdy
