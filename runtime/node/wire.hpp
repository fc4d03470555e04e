// What goes between an API server and a node, one upgraded connection for each stream: frames of a
// type (one byte), a length (three, big-endian) and a payload. See README.md for who says what
// when. Untrusted input is an error, never an assertion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/agent/container_streams.hpp"
#include "core/base/result.hpp"

namespace keelson::node {

inline constexpr const char* kStreamProtocol = "keelson-streams/1";
inline constexpr std::string_view kStreamPath = "/keelson/v1/streams/";

enum class FrameType : uint8_t {
  open = 1,    // what is asked for: JSON, an OpenRequest
  opened = 2,  // it is there
  start = 3,   // of a command: the reader's streams are there
  data = 4,    // of a log, an input, an output, or a connection
  errors = 5,  // of a command's error output
  ended = 6,   // no more data in this direction
  resize = 7,  // columns and rows, two bytes each
  over = 8,    // the last one, from the node: JSON, an Ending
};

struct Frame {
  FrameType type{};
  std::string payload;
};

// Longer data is split over several frames.
inline constexpr std::size_t kFrameData = 64 * 1024;
// Longer frames are an error. An open frame holds a command, which may be long.
inline constexpr std::size_t kFrameMax = 2 * 1024 * 1024;

std::string frame(FrameType type, std::string_view payload = {});
// `data` as one or several frames.
std::string data_frames(FrameType type, std::string_view data);

class FrameReader {
 public:
  void put(std::string_view bytes) { bytes_ += bytes; }
  // The next whole frame; nothing: there is none yet. An error is final.
  Result<std::optional<Frame>> next();

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

enum class StreamKind : uint8_t { logs, exec, attach, find, connect };
// "logs"; also the last part of the path.
std::string_view to_string(StreamKind kind);
std::optional<StreamKind> stream_kind(std::string_view name);

// Of these, a kind uses what its call of ContainerStreams takes.
struct OpenRequest {
  // Of the pod, what names it, and the status of the container that is meant.
  agent::ContainerRef container;
  agent::LogOptions log;
  agent::CommandOptions command;
  uint16_t port = 0;
};
std::string encode_open(const OpenRequest& request);
Result<OpenRequest> decode_open(std::string_view json);

struct Ending {
  Status why;
  int32_t exit_code = 0;  // of a command, if all is well
};
std::string encode_ending(const Ending& ending);
// What cannot be read is an ending for that reason.
Ending decode_ending(std::string_view json);

std::string encode_size(uint16_t columns, uint16_t rows);
bool decode_size(std::string_view payload, uint16_t& columns, uint16_t& rows);

}  // namespace keelson::node
