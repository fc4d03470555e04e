// Clients that ask to leave HTTP, for exec and port-forward, and then say nothing, or nonsense.
#include <string>
#include <vector>

#include "tests/e2e/hostile_fixture.hpp"

namespace keelson::e2e {
namespace {

constexpr const char* kTargetPath = "/api/v1/namespaces/default/pods/target";
const std::string kExec =
    std::string(kTargetPath) + "/exec?command=cat&stdin=true&stdout=true&container=c";
const std::string kForward = std::string(kTargetPath) + "/portforward";
const std::string kSpdy =
    "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
    "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n";
const std::string kSpdyForward =
    "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
    "X-Stream-Protocol-Version: portforward.k8s.io\r\n";

std::string websocket(const std::string& protocol) {
  return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
         protocol + "\r\n";
}

std::string text_of(std::size_t bytes, uint64_t number) {
  std::string text;
  for (std::size_t i = bytes; i-- > 0;) text += static_cast<char>(number >> (i * 8));
  return text;
}

// A WebSocket frame as clients send it: masked, here with zeros.
std::string frame(int op, std::string_view payload, bool last = true) {
  std::string text = text_of(1, static_cast<uint64_t>(op) | (last ? 0x80 : 0));
  if (payload.size() < 126) {
    text += text_of(1, 0x80 | payload.size());
  } else {
    text += text_of(1, 0x80 | 127) + text_of(8, payload.size());
  }
  return text.append(4, '\0').append(payload);
}

std::string spdy_frame(uint16_t type, std::string_view body, uint16_t version = 3) {
  return text_of(2, 0x8000 | version) + text_of(2, type) + text_of(4, body.size()) +
         std::string(body);
}

// SYN_STREAM of a stream with these compressed headers.
std::string syn_stream(uint32_t stream, std::string_view headers) {
  return spdy_frame(1, text_of(4, stream) + text_of(6, 0) + std::string(headers));
}

// Little that decompresses to 258 zeros for each 13 bits: a deflate block with fixed codes.
std::string zlib_bomb(std::size_t matches) {
  std::string out = "\x78\x9c";
  uint32_t bits = 0;
  int count = 0;
  const auto put = [&](uint32_t code, int length, bool high_first) {
    for (int i = 0; i < length; ++i) {
      const uint32_t bit = code >> (high_first ? length - 1 - i : i) & 1;
      bits |= bit << count;
      if (++count == 8) {
        out += static_cast<char>(bits);
        bits = 0;
        count = 0;
      }
    }
  };
  put(1, 1, false);    // the last block
  put(1, 2, false);    // fixed codes
  put(0x30, 8, true);  // the literal 0
  for (std::size_t i = 0; i < matches; ++i) {
    put(0xc5, 8, true);  // length 258
    put(0, 5, true);     // from one byte before
  }
  if (count > 0) out += static_cast<char>(bits);
  return out;
}

class HostileUpgrade : public Hostile {
 protected:
  // A connection that has been switched; not connected if the server has refused.
  Wire upgraded(std::string_view method, const std::string& target, const std::string& headers) {
    Wire wire(port());
    wire.send(request(method, target, {}, headers));
    const Answer answer = wire.read_answer();
    EXPECT_EQ(answer.status, 101) << answer.head << answer.body;
    if (answer.status != 101) wire.close();
    return wire;
  }
  Wire spdy() { return upgraded("POST", kExec, kSpdy); }
  Wire spdy_forward() { return upgraded("POST", kForward, kSpdyForward); }
  Wire exec() { return upgraded("GET", kExec, websocket("v5.channel.k8s.io")); }
  Wire tunnel() { return upgraded("GET", kForward, websocket("SPDY/3.1+portforward.k8s.io")); }

  // What comes until the server ends the connection; a failure if it stays open and silent.
  std::string until_end(Wire& wire) {
    std::string got;
    while (wire.receive(got)) {
    }
    EXPECT_TRUE(wire.ended()) << "the server leaves it open";
    return got;
  }
  std::string noise(std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += static_cast<char>(rng_.below(256));
    return text;
  }
};

TEST_F(HostileUpgrade, RefusesWhatIsNoUpgrade) {
  const struct {
    const char* what;
    std::string_view method;
    std::string target, headers;
  } attacks[] = {
      {"no upgrade at all", "POST", kExec, ""},
      {"no key", "GET", kExec,
       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
      {"a bad key", "GET", kExec,
       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
       "Sec-WebSocket-Key: x\r\n"},
      {"an old version", "GET", kExec,
       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
      {"a protocol of its own", "GET", kExec, websocket("v9.channel.k8s.io")},
      {"SPDY of another age", "POST", kExec, "Connection: Upgrade\r\nUpgrade: SPDY/2\r\n"},
      {"HTTP/2", "POST", kExec, "Connection: Upgrade\r\nUpgrade: h2c\r\n"},
      {"SPDY without protocol", "POST", kForward,
       "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
       "X-Stream-Protocol-Version: nonsense\r\n"},
      {"ports that are none", "GET", kForward + "?ports=99999999,x",
       websocket("v4.channel.k8s.io")},
  };
  for (const auto& attack : attacks) {
    const Answer answer = answer_to(request(attack.method, attack.target, {}, attack.headers));
    EXPECT_TRUE(answer.status >= 400 && answer.status < 500)
        << attack.what << ": " << answer.brief();
  }
}

TEST_F(HostileUpgrade, HalfOpen) {
  std::vector<Wire> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(spdy());
    silent.push_back(spdy_forward());
    silent.push_back(exec());
    silent.push_back(tunnel());
    if (testing::Test::HasFailure()) return;
  }
  expect_others_served();
  // Who ends his direction is gone.
  for (std::size_t i = 0; i < silent.size(); i += 2) silent[i].end_output();
  for (std::size_t i = 0; i < silent.size(); i += 2) until_end(silent[i]);
  expect_others_served();
  // Asked for, and gone before the answer.
  for (int i = 0; i < 500; ++i) {
    Wire wire(port());
    const bool ws = i % 2;
    wire.send(ws ? request("GET", kExec, {}, websocket("v4.channel.k8s.io"))
                 : request("POST", kExec, {}, kSpdy));
    if (i % 3) wire.reset();
  }
}

TEST_F(HostileUpgrade, SpdyGarbage) {
  const std::string fits = zlib_bomb(3'000);  // 774,000 bytes
  const std::string broken[] = {
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
      text_of(4, 0) + text_of(4, 10) + "0123456789",  // data of stream 0
      spdy_frame(1, "", 3),                           // too short
      spdy_frame(1, "0123456789abcdef", 2),           // of another version
      text_of(4, 0x80030001) + text_of(4, 0xffffff),  // longer than any may be
      syn_stream(1, "this is not compressed"),
      syn_stream(1, fits),
      syn_stream(0, zlib_bomb(0)),
      syn_stream(1, zlib_bomb(2)),  // headers that are zeros: cut off
      spdy_frame(3, "x"),
      spdy_frame(6, "x"),
      spdy_frame(7, "x"),
      spdy_frame(8, "x"),
  };
  for (const std::string& bytes : broken) {
    for (const bool forward : {false, true}) {
      Wire wire = forward ? spdy_forward() : spdy();
      ASSERT_TRUE(wire.connected());
      wire.send(bytes);
      wire.end_output();
      until_end(wire);
    }
    Wire inside = tunnel();
    ASSERT_TRUE(inside.connected());
    inside.send(frame(2, bytes));
    inside.end_output();
    until_end(inside);
  }
  expect_others_served();
  // A broken frame ends the connection by itself.
  Wire wire = spdy();
  ASSERT_TRUE(wire.connected());
  wire.send(syn_stream(1, fits));
  until_end(wire);
  for (int i = 0; i < 100; ++i) {
    Wire random = i % 2 ? spdy() : spdy_forward();
    ASSERT_TRUE(random.connected());
    // Half of them begin as a control frame would.
    random.send((i % 4 < 2 ? text_of(3, 0x800300) : std::string()) + noise(5'000));
    random.end_output();
    until_end(random);
  }
}

TEST_F(HostileUpgrade, SpdyFloods) {
  // Pings, whose answers nobody reads; data and ends of streams that are not there.
  const std::string floods[] = {spdy_frame(6, text_of(4, 1)),
                                text_of(4, 5) + text_of(4, 4) + "data",
                                spdy_frame(3, text_of(8, 0x0000000500000001)),
                                spdy_frame(4, text_of(4, 0)), spdy_frame(9, text_of(8, 1))};
  std::vector<Wire> wires;
  for (const std::string& one : floods) {
    std::string all;
    while (all.size() < 200'000) all += one;
    for (int i = 0; i < 4; ++i) {
      Wire wire = spdy();
      ASSERT_TRUE(wire.connected());
      wire.send_what_fits(all);
      wires.push_back(std::move(wire));
    }
  }
  expect_others_served();
  // Streams beyond count.
  Wire wire = spdy_forward();
  ASSERT_TRUE(wire.connected());
  std::string streams =
      syn_stream(1, std::string("\x78\x9c\x62\x60\x60\x60\x00\x00\x00\x00\xff\xff", 12));
  for (uint32_t i = 3; i < 20'000; i += 2)
    streams += syn_stream(i, std::string("\x02\x04\x00\x00\x00\xff\xff", 7));
  wire.send_what_fits(streams);
  expect_others_served();
}

TEST_F(HostileUpgrade, WebSocketGarbage) {
  const std::string broken[] = {
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
      text_of(2, 0x8205) + "12345",                                 // not masked
      text_of(2, 0x82ff) + text_of(8, uint64_t{1} << 62) + "1234",  // a message of 4 EiB
      text_of(2, 0x82ff) + text_of(8, uint64_t{1} << 63) + "1234",
      frame(3, "x"),
      frame(11, "x"),
      frame(0, "x"),  // opcodes that are none, or continue nothing
      frame(9, std::string(126, 'p')),
      frame(9, "p", false),                        // a long ping, one in parts
      frame(2, "x", false) + frame(2, "y"),        // a message within a message
      text_of(1, 0xf2) + frame(2, "x").substr(1),  // reserved bits
  };
  for (const std::string& bytes : broken) {
    for (const bool forward : {false, true}) {
      Wire wire = forward ? tunnel() : exec();
      ASSERT_TRUE(wire.connected());
      wire.send(bytes);
      const std::string last = until_end(wire);  // by itself
      EXPECT_NE(last.find('\x88'), std::string::npos) << "no close frame: " << bytes;
    }
  }
  expect_others_served();
  // What is right as a message and means nothing.
  const std::string odd[] = {frame(2, ""),
                             frame(2, "\x09 a channel that is not there"),
                             frame(2, "\xff\x09"),
                             frame(2, "\xff"),
                             frame(2, "\x04{\"Width\":-1"),
                             frame(1, "text"),
                             frame(2, std::string("\x04") + std::string(100'000, '[')),
                             frame(2, "\x01 output"),
                             frame(2, "\x03 status"),
                             frame(8, "x"),
                             frame(8, std::string("\x00\x00", 2)),
                             frame(8, "")};
  for (const std::string& bytes : odd) {
    for (const bool forward : {false, true}) {
      Wire wire = forward ? tunnel() : exec();
      ASSERT_TRUE(wire.connected());
      wire.send(bytes + frame(8, text_of(2, 1000)));
      until_end(wire);
    }
  }
  for (int i = 0; i < 100; ++i) {
    Wire random = i % 2 ? exec() : tunnel();
    ASSERT_TRUE(random.connected());
    random.send(noise(5'000));
    random.end_output();
    until_end(random);
  }
}

TEST_F(HostileUpgrade, WebSocketFloods) {
  // A message without end, in parts.
  Wire endless = exec();
  ASSERT_TRUE(endless.connected());
  const std::string part(100'000, 'x');
  ASSERT_TRUE(endless.send(frame(2, part, false)));
  for (int i = 0; i < 1'000 && endless.send(frame(0, part, false)); ++i) {
  }
  until_end(endless);
  // Pings, whose answers nobody reads.
  std::string pings;
  while (pings.size() < 2'000'000) pings += frame(9, "are you there");
  std::vector<Wire> wires;
  for (int i = 0; i < 20; ++i) {
    Wire wire = exec();
    ASSERT_TRUE(wire.connected());
    wire.send_what_fits(pings);
    wires.push_back(std::move(wire));
  }
  expect_others_served();
  EXPECT_LT(server_rss_mib(), 600u);
}

}  // namespace
}  // namespace keelson::e2e
