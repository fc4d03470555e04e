// Any bytes as HTTP requests and WebSocket frames. However they are cut into pieces, the same comes out.
#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"
#include "runtime/http/request_parser.hpp"
#include "runtime/http/websocket.hpp"

using namespace keelson::http;

namespace {

struct Outcome {
  RequestParser::State state;
  int status;
  std::string method, target, body;
  std::size_t headers;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// As a connection does it: what is not used is offered again with more behind it.
Outcome parse(std::string_view data, std::size_t step) {
  RequestParser parser({2048, 16, 4096});
  std::string held;
  while (!data.empty() && parser.state() != RequestParser::State::bad &&
         parser.state() != RequestParser::State::done) {
    held.append(data.substr(0, step));
    data.remove_prefix(std::min(step, data.size()));
    held.erase(0, parser.put(held));
  }
  Outcome outcome{parser.state(), parser.status(), {}, {}, {}, 0};
  if (parser.state() == RequestParser::State::done) {
    outcome.method = parser.head().method;
    outcome.target = parser.head().target;
    outcome.headers = parser.head().headers.size();
    outcome.body = parser.take_body();
    KEELSON_ASSERT(outcome.headers <= 16 && outcome.body.size() <= 4096);
    KEELSON_ASSERT(outcome.target.starts_with('/') || outcome.target == "*");
  }
  return outcome;
}

struct Sink final : WebSocketSink {
  void on_message(std::string message) override { all += "m" + message; }
  void on_ping(std::string payload) override { all += "p" + payload; }
  void on_close(uint16_t code) override { all += "c" + std::to_string(code); }
  std::string all;
};

std::string frames(std::string_view data, std::size_t step) {
  WebSocketReader reader(true, 1024);
  Sink sink;
  while (!data.empty()) {
    if (const uint16_t error = reader.put(data.substr(0, step), sink)) {
      return sink.all + "e" + std::to_string(error);
    }
    data.remove_prefix(std::min(step, data.size()));
  }
  return sink.all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Outcome whole = parse(text, text.size() + 1);
  const Outcome bytewise = parse(text, 1);
  // What is wrong may be noticed sooner in one way than in the other; what is right is the same.
  if (whole.state == RequestParser::State::done && bytewise.state == whole.state) {
    KEELSON_ASSERT(whole == bytewise);
  }
  KEELSON_ASSERT(frames(text, text.size() + 1) == frames(text, 1));
  return 0;
}
