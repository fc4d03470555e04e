// Responses out of a stream of bytes, for a client that only counts: of a head it knows the status,
// and of a body its bytes. Understands Content-Length and chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace keelson::bench {

class ResponseReader {
 public:
  struct Events {
    std::function<void(int status)> on_head;              // may be empty
    std::function<void(std::string_view piece)> on_body;  // may be empty
    std::function<void(int status)> on_end;
  };
  explicit ResponseReader(Events events) : events_(std::move(events)) {}

  // False: these bytes are no response that this reader understands.
  bool put(std::string_view data);
  bool in_body() const { return state_ != State::head; }
  std::size_t body_bytes() const { return body_bytes_; }  // of the response at hand

 private:
  enum class State { head, length, chunk_head, chunk, chunk_end, trailer };

  bool take_line(std::string_view& data, std::string_view& line);
  bool take_head(std::string_view& data);
  bool read_head(std::string_view head);
  void take_body(std::string_view& data);
  void end();

  Events events_;
  State state_ = State::head;
  std::string kept_;  // a piece of a head or of a chunk's line
  int status_ = 0;
  uint64_t left_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace keelson::bench
